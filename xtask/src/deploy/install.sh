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

# Whoever listens may go away in the middle: then this goes on, unheard, to one of its ends.
trap '' HUP PIPE
say() {
  echo "deploy: $*" >&2 || true
}

# Groups that this system does not have would keep the service from starting.
groups=
for group in $(sed -n 's/^SupplementaryGroups=//p' "$unit"); do
  if getent group "$group" > /dev/null; then
    groups="$groups $group"
  else
    say "no group $group on this system; devices that it would give stay closed"
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
    { grep -q '^Type=notify' "$service" || sleep 3; } && # which others do not say
    systemctl is-active --quiet "$unit"
}

# keep FILE and put_back FILE: what was there before; nothing if there was nothing. A file is whole or not there, whatever happens.
keep() {
  rm -f "$1.kept"
  [ ! -e "$1" ] || cp -p "$1" "$1.kept"
}
replace() {
  rm -f "$1.previous"
  [ ! -e "$1.kept" ] || mv -f "$1.kept" "$1.previous"
  mv -f "$1.new" "$1"
}
put_back() {
  rm -f "$1"
  [ ! -e "$1.previous" ] || mv "$1.previous" "$1"
}

# All of it is copied, and on the disk, before anything that runs is replaced: for want of room nothing changes.
lines=$prefix/usr/local/bin/thingflow-safe-lines
trap 'rm -f "$program.new" "$program.kept" "$service.new" "$service.kept" "$lines.new"' EXIT
trap 'exit 1' INT TERM
keep "$program"
keep "$service"
install -D -m 755 "$name" "$program.new"
install -D -m 644 "$unit" "$service.new"
sync "$program.new" "$service.new"
# For ExecStopPost: other programs may call it too, so it is not taken back.
if [ -e thingflow-safe-lines ]; then
  install -D -m 755 thingflow-safe-lines "$lines.new"
  sync "$lines.new"
  mv -f "$lines.new" "$lines"
fi
replace "$program"
replace "$service"
if start; then
  exit 0
fi

say "$unit does not start; this is the end of its log:"
journalctl --no-pager --lines=30 --unit="$unit" >&2 || true
if [ -e "$service.previous" ]; then
  put_back "$program"
  put_back "$service"
  if start; then
    say "$unit does not start (its log is above); the one before it was put back, and runs"
  else
    say "$unit does not start (its log is above); the one before it was put back, and does not start either"
  fi
else
  systemctl disable --quiet --now "$unit" || true
  put_back "$program"
  put_back "$service"
  systemctl daemon-reload || true
  say "$unit does not start (its log is above); there was none before it, so it was removed again"
fi
exit 1
