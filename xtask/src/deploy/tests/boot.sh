#!/bin/sh
# boot.sh FOLDER: starts systemd as the first process of a small system of its own. It sees this machine's files, and what
# it writes is gone with it; the machine does not notice. FOLDER is /run/board there; FOLDER/cgroups tells which control
# groups were made for it.
set -eu
folder=$1

# enter DIRECTORY: a group of its own in this hierarchy, if it can be had.
enter() {
  group=$1/thingflow-test-$$
  mkdir "$group" || return 0
  if sh -c "echo $$ > $group/cgroup.procs" 2> /dev/null; then
    echo "$group" >> "$folder/cgroups"
  else
    rmdir "$group" # such as one that has no processors yet
  fi
}

# Mount the hierarchies in which it has groups where systemd looks for them.
mount_cgroups() {
  [ ! -e /sys/fs/cgroup/cgroup.controllers ] || { mount -t cgroup2 cgroup2 sys/fs/cgroup && return; }
  mount -t tmpfs tmpfs sys/fs/cgroup
  for hierarchy in $(cut -d/ -f5 "$folder/cgroups"); do
    mkdir "sys/fs/cgroup/$hierarchy"
    case $hierarchy in
      unified) mount -t cgroup2 cgroup2 sys/fs/cgroup/unified ;;
      systemd) mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd ;;
      *) mount -t cgroup -o "$hierarchy" cgroup "sys/fs/cgroup/$hierarchy" ;;
    esac
  done
}

if [ $# = 1 ]; then
  : > "$folder/cgroups"
  while IFS=: read -r _ controllers path; do
    case $controllers in
      '') [ ! -d /sys/fs/cgroup/unified ] || controllers=unified ;;
      name=*) controllers=${controllers#name=} ;;
    esac
    enter "/sys/fs/cgroup/$controllers$path"
  done < /proc/self/cgroup
  exec unshare --mount --uts --ipc --pid --cgroup --fork --kill-child sh "$0" "$folder" inside
fi

mount --make-rprivate /
mkdir "$folder/disk"
mount -t tmpfs tmpfs "$folder/disk"
cd "$folder/disk"
mkdir changes work all
mount -t overlay overlay -o "lowerdir=/,upperdir=$PWD/changes,workdir=$PWD/work" all
cd all
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys # what is set there is set for the whole machine
mount -t sysfs -o ro sysfs sys
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mkdir run/board
mount --bind "$folder" run/board
mount -t tmpfs tmpfs tmp
mount_cgroups

# No services but ours.
for services in etc/systemd/system usr/lib/systemd/system; do
  mkdir -p "$services"
  mount -t tmpfs tmpfs "$services"
done
for target in basic sysinit shutdown multi-user; do
  printf '[Unit]\nDescription=%s\n' "$target" > "usr/lib/systemd/system/$target.target"
done
mkdir run/before
pivot_root . run/before
umount -l run/before
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=test NOTIFY_SOCKET=/run/board/up \
  SYSTEMD_GENERATOR_PATH=/run/before SYSTEMD_ENVIRONMENT_GENERATOR_PATH=/run/before \
  /lib/systemd/systemd --system --unit=multi-user.target --log-target=null
