#!/bin/bash
# Make `scripts/cross-cargo` able to build for ARM Linux; the words are the targets, aarch64 and armv7 if there are none.
# For armv6, which Debian knows nothing of, that takes Zig as well, from the Python registry (100 MB, 410 MB unpacked).
# Quick when that is already so. In this order:
#   1. the compiler has the targets' std prebuilt: nothing to do;
#   2. `rustup target add`, unless rustup is told to install nothing by itself (RUSTUP_AUTO_INSTALL=0);
#   3. on Debian, a second, complete compiler with std for these targets where Debian offers it in the same version, and
#      with the source of std for the others (about 250 MB).
# In 3 nothing is installed: it unpacks into ${THINGFLOW_CACHE:-~/.cache/thingflow}, which may be deleted at any time.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/cross-env.sh"
. "$here/debian-packages.sh"
. "$here/rustup.sh"

main() {
  local targets=${*:-aarch64 armv7} target triples=()
  for target in $targets; do
    cross_target "$target"
    has_std rustc || triples+=("$TRIPLE")
  done
  case " $targets " in *' armv6 '*) has_zig || zig ;; esac
  [ ${#triples[@]} = 0 ] && return
  has_cross_home && return
  rustup_adds "${triples[@]}" && return
  open_scratch
  debian_here && second_compiler || give_up
}

# The folder in which everything is put together; gone at the end.
open_scratch() {
  [ -n "${scratch:-}" ] && return
  mkdir -p "$CACHE"
  scratch=$(mktemp -d "$CACHE/setup.XXXXXX")
  trap 'rm -rf "$scratch"' EXIT
}

# Debian's own newer compiler: it finds its sysroot by its place, its libraries by the search path.
second_compiler() {
  local version libstd llvm package target
  debian_open "$scratch/own" "$CODENAME" "$CODENAME-security" || return 1
  version=$(debian_versions rustc-web | head -1)
  dpkg --compare-versions "${version:-0}" ge "$(oldest_rust)" || return 1
  libstd=$(debian_depends "libstd-rust-web-dev=$version" 'libstd-rust-web-[0-9.]+') || return 1
  llvm=$(debian_depends "$libstd=$version" 'libllvm[0-9]+') || return 1
  echo "cross: compiler $version beside the installed one"
  for package in {rustc-web,libstd-rust-web-dev,"$libstd"}="$version" "$llvm" "rust-web-src=$version"; do
    debian_unpack "$scratch/home" "$package" || return 1
  done
  for target in aarch64 armv7; do
    cross_target "$target"
    prebuilt_std "$version" || echo "cross: no prebuilt std $version for $target on offer now: it is built from source"
  done
  wrap rustc && wrap rustdoc || return 1
  rm -rf "$CROSS_HOME"
  mv "$scratch/home" "$CROSS_HOME"
  has_cross_home
}

# An index of a foreign architecture may lag behind or be broken, which must not stop the rest.
prebuilt_std() {
  DEBIAN_ARCHITECTURES="$(dpkg --print-architecture) $DEBIAN" \
    debian_open "$scratch/$DEBIAN" "$CODENAME" "$CODENAME-security" 2> "$scratch/$DEBIAN.errors" || return 1
  debian_unpack "$scratch/home" "libstd-rust-web-dev:$DEBIAN=$1" 2> "$scratch/$DEBIAN.errors"
}

# pip only unpacks here: no Python environment is made or changed.
zig() {
  python3 -m pip --version > /dev/null 2>&1 || give_up_zig "there is no pip (on Debian: apt-get install python3-pip)"
  echo "cross: Zig $ZIG, to link for ARMv6"
  open_scratch
  python3 -m pip install -qq --no-deps --target "$scratch/zig" "ziglang==$ZIG" || give_up_zig "pip could not fetch it"
  rm -rf "$ZIG_HOME"
  mv "$scratch/zig" "$ZIG_HOME"
  has_zig || give_up_zig "what was fetched does not run"
}

give_up_zig() {
  echo "cross: cannot link for ARMv6 without Zig $ZIG, the Python package \`ziglang\`: $1" >&2
  exit 1
}

# wrap NAME: write the script that stands for a program of the second compiler.
wrap() {
  local libraries
  libraries=$CROSS_HOME/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH 2> /dev/null || gcc -print-multiarch)
  printf "#!/bin/sh\nLD_LIBRARY_PATH='%s' exec '%s' \"\$@\"\n" "$libraries" "$CROSS_HOME/usr/bin/$1" > "$scratch/home/$1"
  chmod +x "$scratch/home/$1"
}

give_up() {
  cat >&2 << 'TEXT'
cross: cannot build for ARM Linux on this machine: the compiler has no std for it, and no package has a newer one.
cross: with rustup:  rustup target add aarch64-unknown-linux-gnu armv7-unknown-linux-gnueabihf \
cross:                                 arm-unknown-linux-musleabihf
cross: on Debian:    check the network and the mirror in /etc/apt, then run this again
TEXT
  exit 1
}

main "$@"
