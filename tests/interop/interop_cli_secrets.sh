#!/bin/bash
# Where a secret comes from, and which bytes it has: each row is tried by cryptsetup on the same header, which
# must agree on what opens it. And that nobody waits for a person who isn't there. On regular files.
set -eu
here=$(dirname "$(readlink -f "$0")")
. "$here/on_files.sh"

store=vg0/cryptostore1
limit=(timeout --kill-after=5 120) # against a hang; nothing here takes seconds

# A luks2 store that `passphrase` opens, and a copy of its header for cryptsetup.
prepare_store() {
  printf '%s' "$1" >passphrase
  rm -f pv0 pv1 header
  prepare
  cvm cvremove -y vg0/tst
  expect 0 cvm cvcreate -an --crypt --handler luks2 "${kdf[@]}" -L 4M -n tst --keyfile passphrase vg0
  cvm cvkey backup --file header "$store"
}

# row CRYPTSETUP-STATUS STATUS [OPTION]...: both read the file `in` through a pipe; --keyfile is --key-file there.
row() {
  local wanted_theirs=$1 wanted=$2 theirs=0 ours=0 word words=()
  shift 2
  for word; do [ "$word" = --keyfile ] && word=--key-file; words+=("$word"); done
  cat in | "${limit[@]}" cryptsetup open --test-passphrase ${words[@]+"${words[@]}"} header >theirs 2>&1 || theirs=$?
  cat in | "${limit[@]}" "$CVM" cvkey --devices "$pvs" test "$@" "$store" >ours 2>&1 || ours=$?
  cat theirs ours
  same "cryptsetup: $theirs" "cryptsetup: $wanted_theirs"
  same "cvkey: $ours" "cvkey: $wanted"
  [ "$ours" = 0 ] || [ -s ours ] || broken "no word on stderr: $*"
}
said() { grep -qF -- "$1" ours || broken "no word of '$1'"; }

key_files() {
  printf 'unread' >in
  prepare_store $'two\nlines'
  row 0 0 --keyfile passphrase
  printf 'xx%syyy' "$(cat passphrase)" >framed
  row 0 0 --keyfile framed --keyfile-offset 2 --keyfile-size 9
  row 2 2 --keyfile framed
  row 2 2 --keyfile framed --keyfile-offset 2
  row 2 2 --keyfile framed --keyfile-size 9
  row 0 0 --keyfile passphrase --keyfile-size 9
  row 1 2 --keyfile passphrase --keyfile-size 10
  said "9 bytes"
  row 1 2 --keyfile passphrase --keyfile-offset 10
  said "--keyfile-offset"
  row 1 2 --keyfile passphrase --keyfile-offset 2 --keyfile-size 9
  row 1 2 --keyfile .
  said directory
  row 1 2 --keyfile none
  said none
  printf 'two\nlines\n' >newline
  row 2 2 --keyfile newline
  said newline
  row 2 2 --keyfile empty
}

large_key_files() {
  printf 'unread' >in
  head -c 9437184 /dev/urandom >huge # 9 MiB, of which a part is the key
  head -c 8388608 huge >most
  prepare_store x
  cp header header.small
  expect 0 cvm cvkey add "${kdf[@]}" --keyfile passphrase --new-keyfile most "$store"
  rm header
  cvm cvkey backup --file header "$store"
  row 0 0 --keyfile most
  row 1 2 --keyfile huge
  said --keyfile-size
  row 0 0 --keyfile huge --keyfile-size 8388608
  row 0 0 --keyfile huge --keyfile-size 8388608 --keyfile-offset 0
  row 2 2 --keyfile huge --keyfile-size 8388608 --keyfile-offset 1
}

standard_input() {
  prepare_store abc
  printf 'abc' >in
  row 0 0 --keyfile -
  row 0 0
  printf 'abc\n' >in
  row 2 2 --keyfile -
  said newline
  row 0 0
  printf 'abc\nmore' >in
  row 0 0
  row 2 2 --keyfile -
  row 0 0 --keyfile - --keyfile-size 3
  printf 'xxabcyy' >in
  row 0 0 --keyfile - --keyfile-offset 2 --keyfile-size 3
  row 1 2 --keyfile - --keyfile-offset 2 --keyfile-size 6
  row 1 2 --keyfile - --keyfile-offset 8
  printf '\nabc\n' >in
  row 2 2
  : >in
  row 1 2 --keyfile -
  said "standard input"
}

pipes_that_are_files() {
  prepare_store abc
  expect 0 cvm cvkey test --keyfile <(printf abc) "$store"
  expect 2 cvm cvkey test --keyfile <(printf 'abc\n') "$store"
  expect 0 cvm cvkey test --keyfile-offset 1 --keyfile-size 3 --keyfile <(printf 'xabcx') "$store"
  exec 7<passphrase
  expect 0 cvm cvkey test --keyfile /dev/fd/7 "$store"
  exec 7<&-
  bad 2 /dev/fd/7 cvkey test --keyfile /dev/fd/7 "$store"
  mkfifo pipe
  printf abc >pipe &
  expect 0 cvm cvkey test --keyfile pipe "$store"
  wait $!
  bad 2 key cvkey test --keyfile /dev/null "$store"
}

plain_and_hashed() {
  prepare_store abc
  head -c 64 /dev/urandom >plain
  { printf 'head'; cat plain; printf 'tail'; } >framed
  expect 0 cvm cvcreate -an --crypt --handler plain -L 4M -n p --keyfile plain vg0
  local again=(cvm cvcreate -an --crypt --keystore cryptostore2 -L 4M)
  expect 0 "${again[@]}" -n p1 --keyfile plain vg0
  expect 0 "${again[@]}" -n p2 --keyfile framed --keyfile-offset 4 --keyfile-size 64 vg0
  # The whole file is the key, and what is too long is refused instead of cut as cryptsetup does.
  expect 2 "${again[@]}" -n p3 --keyfile framed vg0
  says 72
  expect 2 "${again[@]}" -n p3 --keyfile framed --keyfile-size 64 vg0
  # In a line it is typed in hex, in a file it never is.
  od -An -v -tx1 plain | tr -d ' \n' >hex
  expect 2 "${again[@]}" -n p3 --keyfile hex vg0
  head -c 64 /dev/urandom >other
  od -An -v -tx1 other | tr -d ' \n' >hex
  expect 0 "$CVM" cvcreate --devices "$pvs" -an --crypt --handler plain -L 4M -n q vg0 <hex
  expect 0 cvm cvcreate -an --crypt --keystore cryptostore3 -L 4M -n q1 --keyfile other vg0

  printf 'two\nlines' >phrase
  expect 0 cvm cvcreate -an --crypt --handler hashed -L 4M -n h --keyfile phrase vg0
  again=(cvm cvcreate -an --crypt --keystore cryptostore4 -L 4M)
  expect 0 "${again[@]}" -n h1 --keyfile phrase vg0
  printf 'two\nlines\n' >newline
  expect 2 "${again[@]}" -n h2 --keyfile newline vg0
  says newline
  # A line without its newline: the first one.
  expect 0 "$CVM" cvcreate --devices "$pvs" -an --crypt --handler hashed -L 4M -n i vg0 <newline
  printf 'two' >line
  expect 0 cvm cvcreate -an --crypt --keystore cryptostore5 -L 4M -n i1 --keyfile line vg0
  expect 2 cvm cvcreate -an --crypt --keystore cryptostore5 -L 4M -n i2 --keyfile phrase vg0
}

credentials() {
  prepare_store abc
  mkdir given
  cp passphrase given/cvm.vg0.cryptostore1
  export CREDENTIALS_DIRECTORY=$PWD/given
  expect 0 cvm cvkey test "$store"
  expect 0 cvm cvkey test --no-ask-password "$store"
  # A file that is named, and a line that is sent, come first.
  expect 2 cvm cvkey test --keyfile wrong "$store"
  expect 2 "$CVM" cvkey --devices "$pvs" test "$store" <<<wrong
  printf 'abc\n' >given/cvm.vg0.cryptostore1
  expect 2 cvm cvkey test "$store" # a credential has no lines
  rm given/cvm.vg0.cryptostore1
  mkdir given/cvm.vg0.cryptostore1
  bad 2 directory cvkey test "$store"
  CREDENTIALS_DIRECTORY=$PWD/nowhere
  bad 2 "no key" cvkey test "$store"
  unset CREDENTIALS_DIRECTORY
}

at_terminal() { "$here/at_terminal.py" "${@:1:$#-1}" -- "$CVM" cvkey --devices "$pvs" ${!#} "$store"; }

a_terminal() {
  prepare_store 'not to be seen'
  expect 0 at_terminal 'not to be seen' test
  grep -q "Passphrase of $store: " "$workdir/stdout"
  if grep -q 'seen' "$workdir/stdout"; then broken "the secret was shown"; fi
  expect 0 at_terminal first second 'not to be seen' test
  same "$(grep -o 'try again' "$workdir/stdout" | wc -l)" 2
  expect 2 at_terminal first second third test
  grep -q "does not open" "$workdir/stdout"
  expect 2 at_terminal first "--tries 1 test"
  expect 2 at_terminal ^D test
  # A secret that is new is typed twice, until both are the same.
  expect 0 at_terminal 'not to be seen' new other new new "add ${kdf[*]}"
  printf new >typed
  expect 0 cvm cvkey test --keyfile typed "$store"
  if grep -qE 'seen|new$|other' "$workdir/stdout"; then broken "the secret was shown"; fi
  expect 2 at_terminal 'not to be seen' a b c d e f "add ${kdf[*]}"
  expect 2 at_terminal "--no-ask-password --keyfile wrong test"
  expect 2 at_terminal "--no-ask-password test"
  before=$(sha256sum pv0 pv1)
  expect 5 at_terminal ^C "add ${kdf[*]}"
  same "$(sha256sum pv0 pv1)" "$before"
}

# A command that nobody can answer: in a session of its own, so that there is no terminal to open.
alone() { setsid --wait "${limit[@]}" "$CVM" cvkey --devices "$pvs" "$@" "$store"; }

nobody_there() {
  prepare_store abc
  expect 0 cvm cvkey add "${kdf[@]}" --keyfile passphrase --new-keyfile key "$store"
  mkfifo silent
  sleep 1000 >silent & # holds the pipe open and says nothing
  local quiet=$! action
  trap "kill $quiet" EXIT
  exec 8<silent
  for action in test add change remove convert; do
    expect 2 alone "$action" </dev/null
    says "key"
    expect 2 alone "$action" <&-
    says "key"
    expect 2 alone "$action" --no-ask-password <&8
    says "--no-ask-password"
  done
  # What does not need standard input does not wait for it.
  expect 0 alone test --keyfile passphrase <&8
  expect 0 alone list <&8
  exec 8<&-
  # A stream without an end.
  expect 2 alone test --keyfile - </dev/zero
  says "--keyfile-size"
  expect 2 alone test --keyfile /dev/zero </dev/null
  expect 2 alone test < <(tr '\0' x </dev/zero)
  says "longer than"
}

scenario "key files: newlines, offsets, sizes, what is missing" key_files
scenario "key files: the largest" large_key_files
scenario "standard input: a line, or all of it" standard_input
scenario "key files that are pipes and descriptors" pipes_that_are_files
scenario "plain and hashed stores" plain_and_hashed
scenario "credentials" credentials
scenario "a terminal: hidden, three tries, new secrets twice" a_terminal
scenario "nobody there, and streams that don't end" nobody_there
finish
