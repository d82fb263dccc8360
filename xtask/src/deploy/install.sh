#!/bin/sh
# Runs on the board, as root: install.sh NAME UNIT PREFIX, in the folder that holds the program and its unit.
set -eu
name=$1 unit=$2 prefix=$3

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

install -D -m 755 "$name" "$prefix/usr/local/bin/$name"
install -D -m 644 "$unit" "$prefix/etc/systemd/system/$unit"
systemctl daemon-reload
systemctl enable "$unit"
systemctl restart "$unit" # waits until the program says that it is up
systemctl is-active "$unit"
