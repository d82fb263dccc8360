# Sourced: what the scripts for ARM Linux agree on. Nothing is downloaded or written here.

CACHE=${THINGFLOW_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/thingflow}
CROSS_HOME=$CACHE/cross # holds `rustc` and `rustdoc`, wrappers of a compiler that has std for ARM, or its source
ZIG=0.17.0
ZIG_HOME=$CACHE/zig-$ZIG # holds `ziglang/zig`, which links for ARMv6 and has a C library for it

# cross_target NAME: set TRIPLE, the compiler's name of the target; TOOLS, the prefix of gcc's; QEMU, what runs its
# programs here; DEBIAN, Debian's name of it. Debian has neither tools nor libraries for armv6, Zig has both.
cross_target() {
  case $1 in
    aarch64) TRIPLE=aarch64-unknown-linux-gnu TOOLS=aarch64-linux-gnu QEMU=qemu-aarch64 DEBIAN=arm64 ;;
    armv7) TRIPLE=armv7-unknown-linux-gnueabihf TOOLS=arm-linux-gnueabihf QEMU=qemu-arm DEBIAN=armhf ;;
    armv6) TRIPLE=arm-unknown-linux-musleabihf TOOLS='' QEMU='qemu-arm -cpu arm1176' DEBIAN='' ;;
    *) echo "cross: no target \`$1\`; there are aarch64, armv7 and armv6" >&2 && return 1 ;;
  esac
}

# has_std RUSTC: whether this compiler has a prebuilt std for the target.
has_std() {
  [ -d "$("$1" --print target-libdir --target "$TRIPLE" 2> /dev/null)" ]
}

# The oldest compiler that the workspace may be built with.
oldest_rust() {
  sed -n 's/^rust-version = "\(.*\)"/\1/p' "$(dirname "${BASH_SOURCE[0]}")/../Cargo.toml"
}

# Whether an earlier setup left a compiler that still runs and is new enough.
has_cross_home() {
  local version
  [ -x "$CROSS_HOME/rustc" ] && version=$("$CROSS_HOME/rustc" --version 2> /dev/null | cut -d' ' -f2) || return 1
  [ "$(printf '%s\n' "$(oldest_rust)" "$version" | sort -V | head -1)" = "$(oldest_rust)" ]
}

has_zig() {
  [ "$("$ZIG_HOME/ziglang/zig" version 2> /dev/null)" = "$ZIG" ]
}
