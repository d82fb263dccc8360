# Sourced: what the bare-metal scripts agree on. Nothing is downloaded or written here.

BARE_TARGETS="thumbv7em-none-eabihf thumbv6m-none-eabi"
RUSTC_VERSION=$(rustc --version | cut -d' ' -f2)
SYSROOT=$(rustc --print sysroot)
HOST_TRIPLE=$(rustc -vV | sed -n 's/^host: //p')
CACHE=${THINGFLOW_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/thingflow}
BARE_HOME=$CACHE/bare-$RUSTC_VERSION # holds `rustc`, a compiler that finds the source of core and alloc

# Whether the ordinary compiler already has a prebuilt core for every bare target (as after `rustup target add`).
has_prebuilt_core() {
  local target
  for target in $BARE_TARGETS; do
    [ -d "$(rustc --print target-libdir --target "$target")" ] || return 1
  done
}

# Whether an earlier setup left a compiler that still runs.
has_bare_home() {
  [ -x "$BARE_HOME/rustc" ] && "$BARE_HOME/rustc" --version > /dev/null 2>&1
}
