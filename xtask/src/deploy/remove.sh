#!/bin/sh
# Runs on the board, as root: remove.sh NAME [PREFIX]. What the program wrote, and settings made by hand, stay.
set -euf
name=$1 prefix=${2-} unit=$1.service
case $name in
  '' | [!A-Za-z]* | *[!A-Za-z0-9_-]*) echo "deploy: invalid name of a program" >&2; exit 1 ;;
esac
program=$prefix/usr/local/bin/$name
service=$prefix/etc/systemd/system/$unit

if [ ! -e "$service" ]; then
  echo "deploy: there is no $service; nothing to remove" >&2
  exit 1
fi
systemctl disable --quiet --now "$unit"
rm -f "$program" "$program.previous" "$service" "$service.previous"
systemctl daemon-reload
for kept in "$prefix/var/lib/$name" "$prefix/etc/default/$name" "$service.d"; do
  [ ! -e "$kept" ] || echo "deploy: $kept stays; remove it if it is not wanted any more"
done
