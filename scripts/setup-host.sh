#!/bin/bash
# Install what the build and the tests need beside Rust; with --bench also what the measurements need, with --bare an
# emulator of microcontrollers, with --cross the linkers and emulators for ARM programs, with --board an emulator of
# whole boards, with --deploy an SSH server, systemd and a builder of Debian packages to test against, with --servers the
# brokers, databases and readers of metrics that the tests start, with --browser a browser for the tests of the page and the rules of
# accessibility that it checks; these, and brokers that no system has as packages, go into the folder `target`. Does nothing when everything is there, and uses apt only for what is
# missing. The builder of packages goes into ${THINGFLOW_CACHE:-~/.cache/thingflow}, which may be deleted at any time.
set -euo pipefail

CACHE=${THINGFLOW_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/thingflow}
CARGO_DEB=3.8.0 # the newest that the tests have seen
AXE_CORE=4.14.1
AMQTT=0.12.1
TARGET=${CARGO_TARGET_DIR:-$(dirname "${BASH_SOURCE[0]}")/../target}

# The version of aedes: 0.51.3 is the last that Debian's Node.js 18 runs, and does not keep QoS 2.
aedes_version() {
  local node
  node=$(node --version 2> /dev/null | tr -d v | cut -d. -f1) || true
  if [ "${node:-18}" -ge 20 ]; then echo 1.2.0; else echo 0.51.3; fi
}

missing=()
need() { # COMMAND PACKAGE...
  command -v "$1" > /dev/null || [ -x "/usr/sbin/$1" ] || missing+=("${@:2}")
}

main() {
  local option
  need cc gcc libc6-dev
  for option in "$@"; do needs_of "$option"; done
  [ ${#missing[@]} = 0 ] || install_packages
  # A toolchain of rustup's may have come without these.
  if ! { cargo clippy --version && cargo fmt --version; } > /dev/null 2>&1 && command -v rustup > /dev/null; then
    rustup component add clippy rustfmt
  fi
  for option in "$@"; do
    case $option in
      --deploy) cargo_deb ;;
      --servers) brokers ;;
      --browser) axe_core ;;
    esac
  done
}

needs_of() { # OPTION
  case $1 in
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
      need mosquitto mosquitto
      need mosquitto_sub mosquitto-clients
      ;;
    --deploy)
      need ssh openssh-client
      need sshd openssh-server
      need systemd-analyze systemd
      need unshare util-linux
      need addgroup adduser
      ;;
    --servers)
      need mosquitto mosquitto
      need mosquitto_pub mosquitto-clients
      need nats-server nats-server
      need node nodejs
      [ -e "$TARGET/brokers/amqtt/$AMQTT" ] || python3 -m pip --version > /dev/null 2>&1 || missing+=(python3-pip)
      [ -e "$TARGET/brokers/aedes/$(aedes_version)" ] || need npm npm
      need influxd influxdb
      compgen -G '/usr/lib/postgresql/*/bin/initdb' > /dev/null || need initdb postgresql
      need victoria-metrics victoria-metrics
      need promtool prometheus
      [ -e /usr/lib/python3/dist-packages/prometheus_client ] || missing+=(python3-prometheus-client)
      ;;
    --browser)
      need chromium chromium
      [ -e "$TARGET/axe-core/$AXE_CORE" ] || need npm npm
      ;;
    *) echo "setup: unknown option $1" >&2 && exit 2 ;;
  esac
}

# Install the missing packages, as root or with a sudo that asks nothing.
install_packages() {
  local root=()
  if ! command -v apt-get > /dev/null; then
    echo "setup: missing: ${missing[*]} (Debian's names); install them with this system's package manager" >&2
    exit 1
  fi
  if [ "$(id -u)" != 0 ]; then
    if ! sudo -n true 2> /dev/null; then
      echo "setup: missing packages, and only root may install them: sudo apt-get install ${missing[*]}" >&2
      exit 1
    fi
    root=(sudo -n)
  fi
  echo "setup: installing ${missing[*]}"
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  export DEBIAN_FRONTEND=noninteractive
  if ! { "${root[@]}" apt-get update &&
    "${root[@]}" apt-get install -y --no-install-recommends "${missing[@]}"; } > "$log" 2>&1; then
    sed -E 's#(https?://)[^/ ]+#\1HOST#g; s/ \[IP: [^]]*\]//' "$log" >&2
    exit 1
  fi
}

# The builder of Debian packages: a minute or two, once, and only where there is dpkg to go with it.
cargo_deb() {
  local tools=$CACHE/tools
  command -v dpkg-deb > /dev/null || return 0
  ! command -v cargo-deb > /dev/null && [ ! -x "$tools/bin/cargo-deb" ] || return 0
  echo "setup: building cargo-deb $CARGO_DEB"
  CARGO_TARGET_DIR=$tools/target cargo install --quiet --locked --version "$CARGO_DEB" --root "$tools" cargo-deb
  rm -rf "$tools/target"
}

# Brokers that are programs of Python and of Node.js: fetched once, and no part of the project.
brokers() {
  local folder=$TARGET/brokers aedes
  aedes=$(aedes_version)
  if [ ! -e "$folder/amqtt/$AMQTT" ]; then
    rm -rf "$folder/amqtt"
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-warn-conflicts \
      --target "$folder/amqtt" "amqtt==$AMQTT"
    touch "$folder/amqtt/$AMQTT"
  fi
  if [ ! -e "$folder/aedes/$aedes" ]; then
    rm -rf "$folder/aedes"
    mkdir -p "$folder/aedes"
    npm install --silent --no-audit --no-fund --no-save --prefix "$folder/aedes" "aedes@$aedes"
    touch "$folder/aedes/$aedes"
  fi
}

# The rules of accessibility, which run inside the page: fetched once, and no part of the project.
axe_core() {
  local folder=$TARGET/axe-core new
  [ ! -e "$folder/$AXE_CORE" ] || return 0
  new=$(mktemp -d)
  (cd "$new" && npm pack --silent "axe-core@$AXE_CORE" > /dev/null && tar -xzf "axe-core-$AXE_CORE.tgz")
  mkdir -p "$folder"
  mv "$new/package/axe.min.js" "$folder/axe.min.js"
  touch "$folder/$AXE_CORE"
  rm -r "$new"
}

main "$@"
