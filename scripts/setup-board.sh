#!/bin/bash
# Fetch what `cargo xtask board` boots, on Debian: an arm64 kernel that has gpio-sim, a static busybox, an emulator new
# enough to have the Raspberry Pi's I2C (about 140 MB). Quick when it is there. Nothing is installed: all is unpacked
# into a folder board-… of ${THINGFLOW_CACHE:-~/.cache/thingflow}, which may be deleted at any time. --where only tells
# which folder that is.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/board-env.sh"
. "$here/debian-packages.sh"

# Kernels before 6.13 are built without CONFIG_GPIO_SIM there.
KERNEL_SUITE=forky
# Before this version there is no I2C on the emulated Raspberry Pi 3.
OLDEST_QEMU=9.0

main() {
  [ "${1:-}" = --where ] && echo "$BOARD_HOME" && return
  has_board_home && return
  debian_here || give_up "its parts are fetched from Debian's mirrors, and this is no Debian"
  mkdir -p "$CACHE"
  scratch=$(mktemp -d "$CACHE/setup.XXXXXX")
  trap 'rm -rf "$scratch"' EXIT
  mkdir "$scratch/home"
  emulator || give_up "no qemu-system-aarch64 of version $OLDEST_QEMU or newer on offer"
  kernel || give_up "no kernel with gpio-sim on offer"
  device_tree || give_up "the device tree cannot be changed"
  (cd "$scratch/home" && find . -type f > ../parts && mv ../parts .)
  rm -rf "$CACHE"/board "$CACHE"/board-* # made by earlier versions of this script
  mv "$scratch/home" "$BOARD_HOME"
  has_board_home || give_up "what was fetched does not run"
}

kernel() {
  local release modules
  DEBIAN_ARCHITECTURES="$(dpkg --print-architecture) arm64" debian_open "$scratch/kernel" "$KERNEL_SUITE" || return 1
  release=$(debian_depends linux-image-arm64:arm64 'linux-image-[0-9][^ ]*-arm64') || return 1
  release=${release#linux-image-}
  echo "board: kernel $release"
  debian_unpack "$scratch/packages" "linux-binary-$release:arm64" || return 1
  debian_unpack "$scratch/packages" "linux-modules-$release:arm64" || return 1
  debian_unpack "$scratch/packages" "linux-base-$release:arm64" || return 1
  debian_unpack "$scratch/busybox" busybox-static:arm64 || return 1
  modules=$scratch/packages/usr/lib/modules/$release
  [ -n "$(find "$modules" -name 'gpio-sim.ko*')" ] && [ -e "$modules/vmlinuz" ] || return 1
  mv "$modules" "$scratch/home/modules"
  cp "$(find "$scratch/busybox" -path '*bin/busybox' | head -1)" "$scratch/home/busybox"
}

# The Raspberry Pi gets a device on its SPI bus that programs may open, and loses the Bluetooth chip at its serial port,
# which would take what is typed there.
device_tree() {
  local tree=$scratch/home/raspi3b.dtb spi=/soc/spi@7e204000
  cp "$scratch/home/modules/dtb/broadcom/bcm2837-rpi-3-b.dtb" "$tree" || return 1
  fdtput -t s "$tree" $spi status okay && fdtput -c "$tree" $spi/spidev@0 || return 1
  fdtput -t s "$tree" $spi/spidev@0 compatible rohm,dh2228fv || return 1
  fdtput -r "$tree" /soc/serial@7e201000/bluetooth || return 1
  fdtput -t x "$tree" $spi/spidev@0 reg 0 && fdtput -t x "$tree" $spi/spidev@0 spi-max-frequency f4240
}

# The installed emulator if it is new enough; else one from backports, which runs with the installed one's libraries.
emulator() {
  local version unpacked qemu=qemu-system-aarch64
  version=$($qemu --version | sed -n 's/.*version \([0-9.]*\).*/\1/p' | head -1)
  if ! dpkg --compare-versions "${version:-0}" ge $OLDEST_QEMU; then
    debian_open "$scratch/backports" "$CODENAME-backports" || return 1
    version=$(debian_versions qemu-system-arm | head -1)
    dpkg --compare-versions "${version#*:}" ge $OLDEST_QEMU || return 1
    echo "board: emulator $version beside the installed one"
    debian_unpack "$scratch/home/emulator" "qemu-system-arm=$version" || return 1
    debian_unpack "$scratch/home/emulator" "qemu-system-data=$version" ./usr/share || return 1
    unpacked=emulator/usr/bin/$qemu qemu=$BOARD_HOME/emulator/usr/bin/$qemu
    QEMU_MODULE_DIR=/nonexistent "$scratch/home/$unpacked" --version > /dev/null ||
      give_up "qemu-system-arm $version of $CODENAME-backports lacks the above, which the installed qemu-system-arm does not bring"
  fi
  # The installed version's plug-in modules would not fit.
  printf "#!/bin/sh\nQEMU_MODULE_DIR=/nonexistent exec '%s' \"\$@\"\n" "$qemu" > "$scratch/home/qemu"
  chmod +x "$scratch/home/qemu"
}

give_up() {
  echo "board: the emulated board cannot be set up on this machine: $1" >&2
  exit 1
}

main "$@"
