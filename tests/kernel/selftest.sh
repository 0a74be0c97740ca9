#!/bin/bash
# Does the runner keep what it promises? Runs on the host.
set -eu
here=$(dirname "$(readlink -f "$0")")
. "$here/lib.sh"
run=$here/run-in-kernel

status_and_output_come_back() {
  head -c 100000 /dev/urandom >sent
  expect 7 "$run" -t 60 -- bash -c "cat '$PWD/sent'; echo complaint >&2; exit 7" >/dev/null
  cmp sent "$workdir/stdout"
  same "$(cat "$workdir/stderr")" complaint
}

device_mapper_and_loop_are_there() {
  expect 0 "$run" -t 60 -s 16M -- bash -c '
    set -eu
    losetup -f --show /dev/ubda
    dmsetup targets | grep -w crypt
    dmsetup create x --table "0 32768 linear /dev/ubda 0"
    test -b /dev/mapper/x'
}

udev_makes_the_nodes() {
  expect 0 "$run" -u -t 90 -s 16M -- bash -c '
    set -eu
    test -z "${DM_DISABLE_UDEV-}"
    dmsetup create x --table "0 32768 linear /dev/ubda 0"
    udevadm settle
    test -L /dev/mapper/x'
}

time_limit_gives_124() {
  expect 124 "$run" -t 5 -- sleep 600
  says "time limit of 5 s"
}

the_host_is_not_changed() {
  echo before >file
  expect 0 "$run" -t 60 -- bash -c "
    set -eu
    echo after >'$PWD/file'
    echo new >/etc/run-in-kernel-was-here
    rm /etc/hostname"
  same "$(cat file)" before
  test ! -e /etc/run-in-kernel-was-here
  test -e /etc/hostname
}

a_named_directory_is_written() {
  mkdir open
  expect 0 "$run" -t 60 -w open -- bash -c "echo result >'$PWD/open/file'"
  same "$(cat open/file)" result
}

disks_survive_a_power_cut() {
  truncate -s 16M disk
  mkdir open
  "$run" -t 60 -d disk -w open -p pid -- bash -c "
    echo written | dd of=/dev/ubda conv=fsync status=none
    echo >'$PWD/open/ready'; sleep 600" & runner=$!
  until [ -e open/ready ]; do
    kill -0 "$runner" || broken "the guest ended too early"
    sleep 0.1
  done
  kill -9 -- "-$(cat pid)"
  status=0
  wait "$runner" || status=$?
  same "$status" 125
  same "$(head -c 7 disk)" written
  expect 0 "$run" -t 60 -d disk -- bash -c 'test "$(head -c 7 /dev/ubda)" = written'
}

two_run_at_once() {
  "$run" -t 60 -- bash -c 'exit 11' & one=$!
  "$run" -t 60 -- bash -c 'exit 12' & two=$!
  status=0; wait "$one" || status=$?
  same "$status" 11
  status=0; wait "$two" || status=$?
  same "$status" 12
}

nothing_is_left_behind() {
  export TMPDIR=$PWD
  expect 0 "$run" -t 60 -s 1M -- true
  expect 124 "$run" -t 3 -- sleep 600
  same "$(ls)" ""
  ! pgrep -f "run_in_kernel=$PWD" || broken "a guest still runs"
}

scenario "status, stdout and stderr come back as they were" status_and_output_come_back
scenario "device-mapper, dm-crypt and loop are there" device_mapper_and_loop_are_there
scenario "udev makes the nodes where it runs" udev_makes_the_nodes
scenario "the time limit gives 124" time_limit_gives_124
scenario "the host is not changed" the_host_is_not_changed
scenario "a directory named by -w is written" a_named_directory_is_written
scenario "disks survive a power cut" disks_survive_a_power_cut
scenario "two guests run at once" two_run_at_once
scenario "nothing is left behind" nothing_is_left_behind
finish
