#!/bin/bash
# Where a key comes from on a whole machine: LUKS2 tokens and their plugins, the password agents of systemd.
# What is installed for that lies in the guest's layer over the root file system, and goes with it.
set -eu
here=$(dirname "$(readlink -f "$0")")
. "$here/../guest.sh"
export PYTHONDONTWRITEBYTECODE=1

folder=$(dirname "$(find /lib /usr/lib* -name 'libcryptsetup-token-*.so' 2>/dev/null | head -n 1)")
[ "$folder" != . ] || folder=/lib/$(gcc -print-multiarch)/cryptsetup
mkdir -p "$folder"
cp "$TOKEN_PLUGIN" "$folder/libcryptsetup-token-cvmtest.so"

store=vg0/cryptostore1
at_terminal() { "$here/../../interop/at_terminal.py" "$@"; }
is_open() { device vg0-tst && cvchange -an vg0/tst; }

# A volume whose store "passphrase" opens, and these tokens in it, put there by cryptsetup.
prepare() {
  local token
  printf 'passphrase' >key
  cvm pvcreate /dev/ubda
  cvm vgcreate vg0 /dev/ubda
  cvcreate -an --crypt "${kdf[@]}" -L 40M -n tst --keyfile key vg0
  cvkey backup --file stored "$store"
  for token; do cryptsetup token import --json-file - stored <<<"$token"; done
  cvkey restore -y --file stored "$store" </dev/null
}
token() { printf '{"type":"%s","keyslots":["0"],"secret":"%s"%s}' "$1" "$2" "${3:+,\"pin\":\"$3\"}"; }

a_token_opens() {
  prepare "$(token nothere x)" "$(token cvmtest wrong)" "$(token cvmtest passphrase)"
  expect 0 cvchange -ay -vv --no-ask-password vg0/tst </dev/null
  says "token 2"
  is_open
  # cryptsetup sees it the same way.
  cryptsetup open --test-passphrase --token-only stored
  # Who names a file means that file.
  printf wrong >other
  expect 2 cvchange -ay --keyfile other vg0/tst
  # A change of the secrets wants a secret.
  expect 2 cvkey add "${kdf[@]}" --new-keyfile other "$store" </dev/null
  expect 0 cvkey add "${kdf[@]}" --keyfile key --new-keyfile other "$store"
  expect 0 cvkey load "$store" </dev/null
  expect 0 cvkey forget "$store"
  # The token goes with its slot.
  expect 0 cvkey remove --keyfile key "$store"
  expect 2 cvchange -ay --no-ask-password vg0/tst </dev/null
  expect 0 cvchange -ay --keyfile other vg0/tst
  is_open
}

a_token_wants_a_pin() {
  prepare "$(token cvmtest passphrase 4711)"
  expect 2 cvchange -ay --no-ask-password vg0/tst </dev/null
  expect 2 cvchange -ay vg0/tst </dev/null
  expect 0 at_terminal 4712 4711 -- cvchange -ay vg0/tst
  grep -q 'PIN of vg0/cryptostore1 for its cvmtest token' "$workdir/stdout"
  if grep -q 471 "$workdir/stdout"; then broken "the PIN was shown"; fi
  is_open
  # No PIN: the passphrase. A line on standard input is the passphrase.
  expect 0 at_terminal "" passphrase -- cvchange -ay vg0/tst
  is_open
  expect 0 cvchange -ay vg0/tst <key
  is_open
  expect 2 at_terminal 1 2 3 a b c -- cvchange -ay vg0/tst
}

the_keyring_token() {
  prepare '{"type":"luks2-keyring","keyslots":["0"],"key_description":"cvm:test"}'
  keyctl link @u @s
  expect 2 cvchange -ay --no-ask-password vg0/tst </dev/null
  printf passphrase | keyctl padd user cvm:test @u
  expect 0 cvchange -ay --no-ask-password vg0/tst </dev/null
  is_open
}

# answer WORD: an agent that gives this to the next question (systemd.io/PASSWORD_AGENTS).
answer() {
  python3 - "$1" <<'PYTHON'
import configparser, glob, os, socket, sys, time
while not (questions := glob.glob("/run/systemd/ask-password/ask.*")):
    time.sleep(0.05)
question = configparser.ConfigParser(interpolation=None, strict=False)
question.read(questions[0])
print(question["Ask"]["Message"], question["Ask"].get("Id"), flush=True)
agent = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
agent.sendto(b"+" + sys.argv[1].encode() if sys.argv[1] else b"-", question["Ask"]["Socket"])
while os.path.exists(questions[0]):
    time.sleep(0.05)
PYTHON
}
# with_agent WORD STATUS COMMAND...: in a session without a terminal, on a machine that systemd runs.
with_agent() {
  local word=$1 status=$2 agent
  shift 2
  answer "$word" >asked &
  agent=$!
  expect "$status" setsid --wait "$@" </dev/null
  wait $agent
  cat asked
}

an_agent_answers() {
  prepare
  mkdir -p /run/systemd/system /run/systemd/ask-password
  with_agent passphrase 0 cvchange -ay vg0/tst
  is_open
  grep -q "Passphrase of $store" asked
  grep -q "cvm:$store" asked
  with_agent wrong 2 cvchange -ay vg0/tst
  with_agent "" 2 cvchange -ay vg0/tst # the person refused
  expect 2 setsid --wait cvchange -ay --no-ask-password vg0/tst </dev/null
  rmdir /run/systemd/system
  expect 2 setsid --wait cvchange -ay vg0/tst </dev/null
}

an_agent_gives_the_pin() {
  prepare "$(token cvmtest passphrase 4711)"
  mkdir -p /run/systemd/system /run/systemd/ask-password
  with_agent 4711 0 cvchange -ay vg0/tst
  grep -q PIN asked
  is_open
  rmdir /run/systemd/system
}

scenario "a token opens its store, and nobody is asked" a_token_opens
scenario "a token that wants a PIN" a_token_wants_a_pin
scenario "a key in the kernel's keyring" the_keyring_token
scenario "a password agent answers, or refuses" an_agent_answers
scenario "a password agent gives the PIN" an_agent_gives_the_pin
finish
