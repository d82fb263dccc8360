#!/bin/bash
# Make `scripts/bare-cargo` able to build for Cortex-M. Quick when that is already so. In this order:
#   1. the compiler has the targets prebuilt: nothing to do;
#   2. `rustup target add`, unless rustup is told to install nothing by itself (RUSTUP_AUTO_INSTALL=0);
#   3. on Debian, the source of core that belongs to exactly this compiler (45 MB);
#   4. on Debian, a second, complete compiler together with its source (about 140 MB).
# In 3 and 4 nothing is installed: they unpack into ${THINGFLOW_CACHE:-~/.cache/thingflow}, which may be deleted at any time.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/bare-env.sh"
. "$here/debian-packages.sh"
. "$here/rustup.sh"

# Suites beside the machine's own that carry the source of recent compilers, the smallest index first.
SOURCE_SUITES="trixie-backports forky sid"

main() {
  has_prebuilt_core && return
  has_bare_home && return
  rustup_adds $BARE_TARGETS && return
  mkdir -p "$CACHE"
  scratch=$(mktemp -d "$CACHE/setup.XXXXXX")
  trap 'rm -rf "$scratch"' EXIT
  debian_here && { source_for_this_compiler || second_compiler; } || give_up
}

# The compiler stays the one in use; only a sysroot is laid beside it, which has the source as well.
source_for_this_compiler() {
  local suite version
  for suite in $SOURCE_SUITES; do
    debian_open "$scratch/$suite" "$suite" || continue
    version=$(debian_versions rust-src | grep "^$RUSTC_VERSION[+-]" | head -1) || continue
    echo "bare: source of core $version from $suite"
    debian_unpack "$scratch/unpacked" "rust-src=$version" "./usr/src/rustc-$RUSTC_VERSION/library" || continue
    mkdir -p "$scratch/home/sysroot/lib/rustlib/src/rust"
    mv "$scratch/unpacked/usr/src/rustc-$RUSTC_VERSION/library" "$scratch/home/sysroot/lib/rustlib/src/rust/"
    ln -s "$SYSROOT/lib/rustlib/$HOST_TRIPLE" "$scratch/home/sysroot/lib/rustlib/$HOST_TRIPLE"
    wrapper "exec '$SYSROOT/bin/rustc' --sysroot '$BARE_HOME/sysroot' \"\$@\""
    return
  done
  return 1
}

# Debian's own newer compiler: it finds its sysroot by its place, its libraries by the search path. It comes without
# a linker for bare metal and borrows that of the ordinary compiler.
second_compiler() {
  local version std llvm libraries package oldest
  debian_open "$scratch/own" "$CODENAME" "$CODENAME-security" || return 1
  version=$(debian_versions rustc-web | head -1)
  oldest=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$here/../Cargo.toml")
  dpkg --compare-versions "${version:-0}" ge "$oldest" || return 1
  echo "bare: compiler $version beside the installed one"
  std=$(debian_depends "libstd-rust-web-dev=$version" 'libstd-rust-web-[0-9.]+') || return 1
  llvm=$(debian_depends "$std=$version" 'libllvm[0-9]+') || return 1
  for package in {rustc-web,libstd-rust-web-dev,"$std"}="$version" "$llvm"; do
    debian_unpack "$scratch/home" "$package" || return 1
  done
  debian_unpack "$scratch/home" "rust-web-src=$version" ./usr/lib "./usr/src/rustc-${version%%+*}/library" || return 1
  ln -s "$SYSROOT/lib/rustlib/$HOST_TRIPLE/bin" "$scratch/home/usr/lib/rustlib/$HOST_TRIPLE/bin"
  libraries=$BARE_HOME/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH 2> /dev/null || gcc -print-multiarch)
  wrapper "LD_LIBRARY_PATH='$libraries' exec '$BARE_HOME/usr/bin/rustc' \"\$@\""
}

# wrapper COMMAND: write the script that stands for rustc, and put the finished folder in its place in one step.
wrapper() {
  printf '#!/bin/sh\n%s\n' "$1" > "$scratch/home/rustc"
  chmod +x "$scratch/home/rustc"
  rm -rf "$BARE_HOME"
  mv "$scratch/home" "$BARE_HOME"
  has_bare_home
}

give_up() {
  cat >&2 << 'TEXT'
bare: cannot build for Cortex-M on this machine: no prebuilt core, and no package with its source.
bare: with rustup:  rustup target add thumbv7em-none-eabihf thumbv6m-none-eabi
bare: on Debian:    check the network and the mirror in /etc/apt, then run this again
TEXT
  exit 1
}

main
