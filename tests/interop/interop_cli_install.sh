#!/bin/bash
# What `cmake --install` puts into a prefix works from there.
set -eu
here=$(dirname "$(readlink -f "$0")")
. "$here/../kernel/lib.sh"
: "${CVM_BUILD_DIR:?the build to install}"

installed() {
  cmake --install "$CVM_BUILD_DIR" --prefix "$PWD/prefix" >install.log
  test -x prefix/sbin/cvm
  for link in cvcreate cvchange cvextend cvreduce cvresize cvremove cvrename cvconvert cvkey cvck cvs; do
    test -L "prefix/sbin/$link"
    same "$(readlink "prefix/sbin/$link")" cvm
    expect 0 "prefix/sbin/$link" --help
    test -s "$workdir/stdout"
  done
  expect 0 prefix/sbin/cvm version
  expect 0 prefix/sbin/cvm help
  test -s prefix/share/man/man8/cvm.8
  test -x prefix/libexec/cvm/cvm-clevis
  # What a key handler of others is built with.
  test -s prefix/include/cvm-key-handler.map
  c++ -std=c++20 -fsyntax-only -Wall -Wextra -Werror -x c++ prefix/include/cvm-key-handler.h
  cc -std=c99 -pedantic -fsyntax-only -Wall -Wextra -Werror -x c prefix/include/cvm-key-handler.h
  # PV and VG commands are behind cvm alone: nothing shadows LVM2's names.
  same "$(find prefix/sbin -name 'pv*' -o -name 'vg*' -o -name 'lv*')" ""
}

scenario "the program, its links and its pages are installed" installed
finish
