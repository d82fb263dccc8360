#!/bin/sh
# Runs on the board, as root: install.sh NAME [PREFIX], in a folder that holds the program NAME and its unit.
# What does not start is taken back: the program and the unit that were there before run again.
set -euf
name=$1 prefix=${2-} unit=$1.service
case $name in
  '' | [!A-Za-z]* | *[!A-Za-z0-9_-]*) echo "deploy: invalid name of a program" >&2; exit 1 ;;
esac
program=$prefix/usr/local/bin/$name
service=$prefix/etc/systemd/system/$unit

# Groups that this system does not have would keep the service from starting.
groups=
for group in $(sed -n 's/^SupplementaryGroups=//p' "$unit"); do
  if getent group "$group" > /dev/null; then
    groups="$groups $group"
  else
    echo "deploy: no group $group on this system; devices that it would give stay closed" >&2
  fi
done
sed -i "s/^SupplementaryGroups=.*/SupplementaryGroups=${groups# }/" "$unit"

# Before 254 systemd waits equally long before every restart, and does not know how to be told otherwise.
version=$(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')
if [ "${version:-0}" -lt 254 ] && grep -q '^RestartSteps=' "$unit"; then
  sed -i 's/^RestartSec=.*/RestartSec=30/; /^RestartSteps=/d; /^RestartMaxDelaySec=/d' "$unit"
fi

start() {
  systemctl daemon-reload &&
    systemctl enable --quiet "$unit" &&
    systemctl restart "$unit" && # waits until the program says that it is up
    { grep -q '^Type=notify' "$unit" || sleep 3; } && # which others do not say
    systemctl is-active --quiet "$unit"
}

# keep FILE and put_back FILE: what was there before; nothing if there was nothing.
keep() {
  rm -f "$1.previous"
  [ ! -e "$1" ] || cp -p "$1" "$1.previous"
}
put_back() {
  rm -f "$1"
  [ ! -e "$1.previous" ] || mv "$1.previous" "$1"
}

# For ExecStopPost: other programs may call it too, so it is not taken back.
[ ! -e thingflow-safe-lines ] || install -D -m 755 thingflow-safe-lines "$prefix/usr/local/bin/thingflow-safe-lines"
keep "$program"
keep "$service"
install -D -m 755 "$name" "$program"
install -D -m 644 "$unit" "$service"
if start; then
  exit 0
fi

echo "deploy: $unit does not start; this is the end of its log:" >&2
journalctl --no-pager --lines=30 --unit="$unit" >&2 || true
if [ -e "$service.previous" ]; then
  put_back "$program"
  put_back "$service"
  if start; then
    echo "deploy: $unit does not start (its log is above); the one before it was put back, and runs" >&2
  else
    echo "deploy: $unit does not start (its log is above); the one before it was put back, and does not start either" >&2
  fi
else
  systemctl disable --quiet --now "$unit" || true
  put_back "$program"
  put_back "$service"
  systemctl daemon-reload || true
  echo "deploy: $unit does not start (its log is above); there was none before it, so it was removed again" >&2
fi
exit 1
