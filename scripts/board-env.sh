# Sourced: where the emulated board's parts are. Nothing is downloaded or written here.

SCRIPTS=$(dirname "${BASH_SOURCE[0]}")
. "$SCRIPTS/cross-env.sh"
# Holds `modules` (the kernel's, with the kernel itself), `busybox`, the device tree `raspi3b.dtb`, `qemu`, which starts
# the emulator, and `parts`, a list of all files. A change of the script that makes the folder makes another one.
BOARD_HOME=$CACHE/board-$(sha256sum "$SCRIPTS/setup-board.sh" | cut -c1-8)

# Whether all is there and the emulator runs; says what is the matter, unless there is just nothing yet.
has_board_home() {
  [ -d "$BOARD_HOME" ] || return 1
  (cd "$BOARD_HOME" && xargs -d '\n' ls -d < parts > /dev/null) && "$BOARD_HOME/qemu" --version > /dev/null
}
