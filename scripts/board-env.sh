# Sourced: where the emulated board's parts are. Nothing is downloaded or written here.

. "$(dirname "${BASH_SOURCE[0]}")/cross-env.sh"
# Holds `modules` (the kernel's, with the kernel itself), `busybox`, the device tree `raspi3b.dtb`, and `qemu`,
# which starts the emulator.
BOARD_HOME=$CACHE/board

has_board_home() {
  [ -e "$BOARD_HOME/modules/vmlinuz" ] && [ -x "$BOARD_HOME/busybox" ] && "$BOARD_HOME/qemu" --version > /dev/null 2>&1
}
