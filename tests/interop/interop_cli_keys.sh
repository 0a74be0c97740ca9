#!/bin/bash
# cvkey as a person meets it, with cryptsetup as the judge of what a store holds. On regular files.
set -eu
here=$(dirname "$(readlink -f "$0")")
. "$here/on_files.sh"

store=vg0/cryptostore1

# The store's bytes open with that key file, says cryptsetup.
opens() {
  rm -f judged
  cvm cvkey backup --file judged "$store"
  cryptsetup open --test-passphrase --key-file "$1" judged
}
opens_not() { if opens "$1" 2>/dev/null; then broken "$1 still opens $store"; fi; }

prepare_slots() { # HANDLER
  rm -f pv0 pv1
  prepare
  cvm cvremove -y vg0/tst
  head -c 30 /dev/urandom | base64 -w0 >second # a line, for the pipe
  expect 0 cvm cvcreate -an --crypt --handler "$1" "${kdf[@]}" -L 16M -n tst --keyfile key vg0
}

slots() { cvm cvkey list --reportformat json_std "$store" | jq -r '.report[0].key_slot[] | .key_slot' | xargs; }

secrets_come_and_go() {
  local handler
  for handler in luks1 luks2; do
    prepare_slots "$handler"
    expect 0 cvm cvkey add "${kdf[@]}" --keyfile key --new-keyfile second "$store"
    says "slot 1"
    opens key
    opens second
    same "$(slots)" "0 1"

    expect 0 cvm cvkey change "${kdf[@]}" --keyfile key --new-keyfile wrong "$store"
    opens_not key
    opens wrong
    opens second
    same "$(slots)" "1 2"

    expect 0 cvm cvkey test --keyfile second "$store"
    says "slot 1"
    bad 2 "does not open" cvkey test --keyfile key "$store"

    expect 0 cvm cvkey remove --key-slot 1 --keyfile wrong "$store"
    opens_not second
    bad 5 last cvkey remove --keyfile wrong "$store"
    expect 0 cvm cvkey remove --force -y --key-slot 2 "$store"
    opens_not wrong
  done
}

stores_change_their_kind() {
  local from to
  for from in luks1 luks2; do
    to=luks2
    [ "$from" = luks2 ] && to=luks1
    prepare_slots "$from"
    expect 0 cvm cvkey add "${kdf[@]}" --keyfile key --new-keyfile second "$store"
    bad 2 "does not open" cvkey convert --keyfile wrong "$store"
    bad 3 already cvkey convert --handler "$from" --keyfile key "$store"
    bad 5 plain cvkey convert --handler plain --keyfile key "$store"
    expect 0 cvm cvkey convert --test "$store"
    grep -q "would convert" "$workdir/stdout"
    before=$(cvm cvs --noheadings -o lv_uuid "$store")
    expect 0 cvm cvkey convert --keyfile second "$store"
    says "$to now"
    same "$(cvm cvs --noheadings -o key_handler vg0/tst | tr -d ' ')" "$to"
    same "$(cvm cvs --noheadings -o lv_uuid "$store")" "$before"
    same "$(slots)" "0 1"
    opens key
    opens second
    cryptsetup isLuks --type "$to" judged
    # Nothing is left of the old header, nor of the store that held it.
    same "$(cvm cvs -a --noheadings -o lv_name vg0 | grep -c cryptostore2 || true)" 0
    expect 0 cvm cvck vg0
    expect 0 cvm cvcreate -an --crypt --keystore cryptostore1 -L 4M -n more --keyfile key vg0
    expect 0 cvm cvkey convert --keyfile key "$store"
    same "$(cvm cvs --noheadings -o key_handler vg0/tst | tr -d ' ')" "$from"
    opens second
  done
  expect 0 cvm cvkey add --pbkdf argon2id --pbkdf-memory 32 --pbkdf-parallel 1 --pbkdf-force-iterations 4 \
    --keyfile key --new-keyfile wrong "$store"
  bad 5 pbkdf2 cvkey convert --keyfile key "$store"
}

what_cryptsetup_changed_is_there() {
  prepare_slots luks2
  cvm cvkey backup --file stored "$store"
  chmod 600 stored
  cryptsetup luksAddKey --key-file key "${kdf[@]}" stored second
  expect 0 cvm cvkey restore -y --file stored "$store"
  says "work again: 1"
  opens second
}

a_pipe_gives_the_old_and_the_new_secret() {
  prepare_slots luks2
  expect 0 cvm cvkey add "${kdf[@]}" --keyfile key --new-keyfile second "$store"
  printf 'typed' >typed
  { cat second; printf '\ntyped\n'; } >lines
  "$CVM" cvkey --devices "$pvs" add "${kdf[@]}" "$store" <lines
  opens typed
}

names() { cvm cvkey list --reportformat json_std "$store" | jq -r '.report[0].key_slot[] | .key_slot_name' | paste -sd/; }

names_stay_with_their_slot() {
  local handler
  for handler in luks1 luks2; do
    prepare_slots "$handler"
    expect 0 cvm cvkey add "${kdf[@]}" --name 'ann "a"' --keyfile key --new-keyfile second "$store"
    same "$(names)" '/ann "a"'
    expect 0 cvm cvkey change "${kdf[@]}" --keyfile second --new-keyfile wrong "$store"
    same "$(names)" '/ann "a"'
    # luks1 keeps them in the metadata, luks2 in its header: they go over with the rest, and back.
    expect 0 cvm cvkey convert --keyfile key "$store"
    same "$(names)" '/ann "a"'
    expect 0 cvm cvkey convert --keyfile wrong "$store"
    same "$(names)" '/ann "a"'
    bad 3 "can't be the name" cvkey add "${kdf[@]}" --name $'a\nb' --keyfile key --new-keyfile second "$store"

    # A backup gives a slot back that was made anew meanwhile: it is not ann's any more.
    expect 0 cvm cvkey backup --file saved "$store"
    expect 0 cvm cvkey remove --keyfile wrong "$store"
    same "$(names)" ''
    expect 0 cvm cvkey add "${kdf[@]}" --key-slot 2 --name bob --keyfile key --new-keyfile second "$store"
    expect 0 cvm cvkey restore -y --file saved "$store"
    says "work again: 2"
    [ "$handler" = luks2 ] || same "$(names)" '/'
    [ "$handler" = luks1 ] || same "$(names)" '/ann "a"'
    rm saved
  done
}

a_backup_is_private_and_new() {
  prepare_slots luks2
  umask 0
  expect 0 cvm cvkey backup --file saved "$store"
  same "$(stat -c %a saved)" 600
  bad 5 saved cvkey backup --file saved "$store"
}

another_stores_backup_is_refused() {
  prepare_slots luks2
  expect 0 cvm cvcreate -an --crypt "${kdf[@]}" -L 8M -n more --keyfile key vg0
  cvm cvkey backup --file other vg0/cryptostore2
  bad 5 "another key" cvkey restore -y --keyfile key --file other "$store"
  bad 2 "" cvkey restore -y --keyfile wrong --file other "$store"
  head -c 65536 /dev/urandom >noise
  bad 5 "" cvkey restore -y --keyfile key --file noise "$store"
}

an_erased_store_opens_no_more() {
  prepare_slots luks2
  cvm cvkey backup --file saved "$store"
  bad 5 "not cryptostore1" cvkey erase -y "$store"
  expect 0 cvm cvkey erase --force "$store"
  for disk in pv0 pv1; do
    if grep -qa LUKS "$disk"; then broken "a header is left on $disk"; fi
  done
  expect 5 cvm cvkey list "$store"
  expect 0 cvm cvs -a vg0
  expect 0 cvm cvkey restore -y --keyfile key --file saved "$store"
  opens key
}

# Whoever does not know a handler can save and put back what it keeps, but not say what it is good for.
bytes_of_a_handler_that_is_not_here() {
  prepare_slots luks2
  "$here/edit_text.py" 'handler = "luks2"' 'handler = "alien"' pv0 pv1
  bad 5 "no key handler" cvkey list "$store"
  bad 5 "no key handler" cvkey test --keyfile key "$store"
  umask 0
  expect 0 cvm cvkey backup --file saved "$store"
  says "can't be verified"
  same "$(stat -c %a saved)" 600
  cryptsetup open --test-passphrase --key-file key saved
  bad 5 "can't be verified" cvkey restore -y --file saved "$store"
  expect 0 cvm cvkey erase --force "$store"
  bad 3 "handler" cvkey backup --handler luks2 --file other "$store"
  expect 0 cvm cvkey restore --force --file saved "$store"
  expect 0 cvm cvck vg0
  "$here/edit_text.py" 'handler = "alien"' 'handler = "luks2"' pv0 pv1
  opens key
}

refusals() {
  prepare_slots luks2
  bad 3 frobnicate cvkey frobnicate "$store"
  bad 3 timeout cvkey list --timeout 3 "$store"
  bad 3 "names no volume" cvkey list vg0
  bad 5 "no keystore" cvkey list vg0/lin
  bad 5 "there is no" cvkey list vg0/none
  bad 2 "does not open" cvkey add "${kdf[@]}" --keyfile wrong --new-keyfile second "$store"
  bad 2 "" cvkey add "${kdf[@]}" --keyfile key --new-keyfile empty "$store"
  bad 2 "" cvkey add "${kdf[@]}" --keyfile key --new-keyfile nowhere "$store"
  bad 3 "standard input" cvkey add "${kdf[@]}" --keyfile - --new-keyfile - "$store"
  bad 5 "in use" cvkey add "${kdf[@]}" --key-slot 0 --keyfile key --new-keyfile second "$store"
  bad 5 "not in use" cvkey remove --key-slot 7 --keyfile key "$store"
  bad 3 file cvkey backup "$store"
  bad 2 "" cvkey restore --file nowhere "$store"
  expect 0 cvm cvcreate -an --crypt --handler hashed -L 4M -n h --keyfile second vg0
  bad 5 "no key slots" cvkey list vg0/cryptostore2
  bad 5 "keeps no bytes" cvkey backup --file saved vg0/cryptostore2
  bad 5 "keeps no bytes" cvkey restore --force --file key vg0/cryptostore2
}

scenario "secrets are added, changed and removed" secrets_come_and_go
scenario "stores change their kind" stores_change_their_kind
scenario "what cryptsetup did to a backup comes back with it" what_cryptsetup_changed_is_there
scenario "a pipe gives the old and the new secret" a_pipe_gives_the_old_and_the_new_secret
scenario "names stay with their slot" names_stay_with_their_slot
scenario "bytes of a handler that is not here" bytes_of_a_handler_that_is_not_here
scenario "a backup is private, and never over another file" a_backup_is_private_and_new
scenario "the backup of another store" another_stores_backup_is_refused
scenario "an erased store" an_erased_store_opens_no_more
scenario "what can't be done" refusals
finish
