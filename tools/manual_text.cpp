// The prose of cvm(8) and cvm(7).
#include "tools/manual.h"

namespace cv::tools {

std::vector<Section> overview_sections() {
  return {
      {"DESCRIPTION",
       "cvm makes and manages encrypted logical volumes. It reads and writes the disks of LVM2, takes LVM2's "
       "locks, and "
       "adds two kinds of segments to LVM2's metadata: encrypted volumes, and keystores that hold their "
       "keys. Several "
       "volumes can share a keystore; it is then opened once for all of them.\n\n"
       "The commands on volumes (cvcreate and the others that begin with cv) can also be called by their own "
       "names. Those "
       "on physical volumes and volume groups exist behind cvm only, so that they don't stand in the way of "
       "LVM2's.\n\n"
       "Long options may be shortened as long as they stay unique, and hyphens inside them don't count: "
       "--key-file, "
       "--keyfile and --keyf are the same. Options stand behind the command and in any order."},
      {"ENVIRONMENT",
       "LVM_SYSTEM_DIR: the folder of lvm.conf, lvmlocal.conf and the devices files, instead of /etc/lvm.\n\n"
       "CREDENTIALS_DIRECTORY: a folder with secrets, as systemd makes it for a service. The secret of a "
       "store is in its "
       "file cvm.VG.STORE.\n\n"
       "No secret is ever taken from the environment or from the command line."},
      {"FILES",
       "/etc/lvm/lvm.conf and /etc/lvm/lvmlocal.conf: of LVM2's configuration these are heeded: devices/dir, "
       "devices/scan, devices/filter, devices/global_filter, devices/use_devicesfile, devices/devicesfile, "
       "devices/allow_mixed_block_sizes, activation/udev_sync, activation/udev_rules, "
       "global/locking_dir, "
       "global/wait_for_locks, global/system_id_source and what it names, backup/backup, backup/archive, "
       "backup/backup_dir, backup/archive_dir, backup/retain_min, backup/retain_days. One key is ours: "
       "crypt/use_keyring "
       "= 0 keeps "
       "keys out of the kernel's keyring.\n\n"
       "/etc/lvm/archive: the metadata of each group from before each change. /etc/lvm/backup: the newest. "
       "LVM2's vgcfgrestore(8) lists and reads them.\n\n"
       "/run/lock/lvm: the locks, shared with LVM2."},
  };
}

std::vector<Section> concept_sections() {
  return {
      {"VOLUMES AND KEYSTORES",
       "An encrypted volume has exactly the size of what can be written to it: the header that would stand "
       "in front of the "
       "data of a LUKS volume is in a keystore instead, a hidden volume called cryptostore1, cryptostore2 "
       "and so on. A "
       "hidden data volume, called like the volume with _crdata behind it, has the encrypted bytes.\n\n"
       "Each volume of a store has a range of its own of the numbers that go into the encryption of its "
       "sectors, so that "
       "the same data in two volumes never looks the same on the disk.\n\n"
       "A store has a key handler. luks2 and luks1 keep a LUKS header with key slots, which passphrases or "
       "key files "
       "open. hashed takes a hash of the secret as the key, plain the secret itself; both keep nothing on "
       "the disk but a "
       "value to tell a wrong key from the right one. Further handlers may be installed as plugins, "
       "NAME.so in the cvm/handlers folder of the system's libraries; the folder and what is in it must "
       "belong to "
       "root. Or they are programs that handlers.conf names, in the cvm folder of the system's "
       "configuration. One such program is installed: cvm-clevis, in the cvm folder of the system's "
       "libexec, leaves keys to a tang server, a TPM or several of them, with clevis. "
       "Where the handler of a store is not installed the store is kept and shown, and can be renamed "
       "and "
       "removed; its volumes can't be opened."},
      {"SIZES",
       "A number, which may have a fraction behind a point, and one letter in either case: b bytes, s "
       "sectors of 512 "
       "bytes, and k, m, g, t, p, e for powers of 1024. Without a letter it is MiB. Sizes are rounded up to "
       "whole extents, "
       "and it is said when that changes them. Where a size may be relative it has + or - in front.\n\n"
       "Extents are counted by --extents: a number, or a percentage as in 50%VG of the group, 100%FREE of "
       "what is free, or "
       "100%PVS of what is free on the physical volumes that are named."},
      {"NAMES",
       "Names of groups and volumes have up to 127 letters, digits and _ . + - together; they don't begin "
       "with a hyphen. "
       "Names that LVM2 uses itself are refused, and so are cryptostore with a number and what ends in "
       "_crdata."},
      {"SECRETS",
       "With --keyfile the secret is all the bytes of that file, newlines included, or the part that "
       "--keyfile-offset and "
       "--keyfile-size choose; a file of more than 8 MiB needs a size. A hyphen is standard input.\n\n"
       "Without a key file it is asked for at the terminal and not shown; the secret of a new store is asked "
       "for twice. "
       "Where standard input is a pipe or a file, its first line without the newline is the secret. "
       "Otherwise a "
       "credential is looked for in $CREDENTIALS_DIRECTORY, and then the password agents of systemd are "
       "asked. Where "
       "nothing of that is there the command ends at once.\n\n"
       "A luks2 store whose header has tokens (systemd-cryptenroll(1), cryptsetup-token(8)) is opened by one "
       "of them where a plugin of libcryptsetup for it is installed and no key file is named. A token that "
       "wants a PIN asks for it, at the terminal or through the agents; without a PIN the passphrase is "
       "asked "
       "for. To change the secrets of a store a token is not enough.\n\n"
       "The key of a plain store is typed as hex digits; its key file has the bytes of the key and nothing "
       "else.\n\n"
       "A key that is in the kernel already, because another volume of the store is active, is used without "
       "asking. "
       "--nocache asks all the same."},
      {"MESSAGES",
       "Reports and results are written to standard output, everything else to standard error. -v says more: "
       "once the "
       "steps, twice each key and table, three times the decisions, four times what the libraries say. At "
       "-vv each key "
       "derivation prints one line: derived key of VG/STORE. Keys are never printed."},
  };
}

}  // namespace cv::tools
