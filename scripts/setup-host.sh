#!/bin/bash
# Install what the build and the tests need beside Rust; with --bench also what the measurements need, with --bare an
# emulator of microcontrollers, with --cross the linkers and emulators for ARM programs, with --board an emulator of
# whole boards, with --deploy an SSH server to test against. Does nothing when everything is there, and uses apt only
# for what is missing.
set -euo pipefail

missing=()
need() { # COMMAND PACKAGE...
  command -v "$1" > /dev/null || missing+=("${@:2}")
}

need cc gcc libc6-dev
for option in "$@"; do
  case $option in
    --bench) need valgrind valgrind ;;
    --bare) need qemu-system-arm qemu-system-arm ;;
    --cross)
      need aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu libc6-dev-arm64-cross
      need arm-linux-gnueabihf-gcc gcc-arm-linux-gnueabihf libc6-dev-armhf-cross
      need qemu-aarch64 qemu-user
      need qemu-arm qemu-user
      ;;
    --board)
      need qemu-system-aarch64 qemu-system-arm
      need fdtput device-tree-compiler
      need xz xz-utils
      ;;
    --deploy)
      need ssh openssh-client
      [ -x /usr/sbin/sshd ] || missing+=(openssh-server)
      ;;
    *) echo "setup: unknown option $option" >&2 && exit 2 ;;
  esac
done

[ ${#missing[@]} = 0 ] && exit 0
if ! command -v apt-get > /dev/null; then
  echo "setup: missing: ${missing[*]} (Debian's names); install them with this system's package manager" >&2
  exit 1
fi
if [ "$(id -u)" != 0 ]; then
  echo "setup: missing packages, and only root may install them: sudo apt-get install ${missing[*]}" >&2
  exit 1
fi

echo "setup: installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { apt-get update && apt-get install -y --no-install-recommends "${missing[@]}"; } > "$log" 2>&1; then
  sed -E 's#(https?://)[^/ ]+#\1HOST#g; s/ \[IP: [^]]*\]//' "$log" >&2
  exit 1
fi
