#!/bin/bash
# Does the layer check see what it is there for? Each line below must make it fail.
set -eu
check=$(dirname "$(readlink -f "$0")")/layer-check.py
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{lib/base,lib/config,lib/crypt,lib/device,metadata,activate,tools}
echo '#include "lib/base/error.h"' >"$root/metadata/store.cpp"
"$check" "$root"

catches() {
  echo "$2" >"$root/$1"
  if "$check" "$root"; then echo "not caught: $2 in $1" >&2; exit 1; fi
  rm "$root/$1"
}
catches metadata/edit.cpp '#include "activate/plan.h"'
catches lib/base/error.cpp '#include "lib/device/block_device.h"'
catches lib/crypt/secret.cpp '#include "lib/config/tree.h"'
catches lib/crypt/key_check.cpp '  if (std::memcmp(a, b, 32) == 0) return true;'
catches activate/activator.cpp '#include <libdevmapper.h>'
catches tools/session.cpp '#include <libcryptsetup.h>'
catches metadata/group_text.cpp '#include <boost/property_tree/ptree.hpp>'
catches metadata/check.cpp '#include <chrono>'
catches activate/plan.cpp '#include <unistd.h>'
catches metadata/edit_create.cpp 'auto id = LvId::random();'
catches metadata/iv_space.cpp '  const auto window = random_bytes(3);'

echo '#include <libdevmapper.h>' >"$root/activate/dm_mapper.cpp"
"$check" "$root"
