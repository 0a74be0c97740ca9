// vgcfgrestore: puts the metadata of a volume group back as a file has them.
#include <algorithm>
#include <array>
#include <ctime>

#include <fmt/ranges.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/device/text_file.h"
#include "metadata/restore.h"
#include "tools/commands/backup_options.h"
#include "tools/common_options.h"
#include "tools/group_change.h"
#include "tools/session.h"
#include "tools/volume_name.h"

namespace cv::tools::commands {

namespace {

using metadata::Keystore;
using metadata::VolumeGroup;

constexpr Option kList{'l', "list", "", "show the files that there are for the group, and restore nothing"};
/// Without the letter, which is --file's, as in LVM2.
constexpr Option kForceRestore{0, "force", "",
                               "restore a group with thin pools, or with keystores that are no longer there"};
constexpr Option kMetadataType{'M', "metadatatype", "lvm2", "accepted, as there is only one", "lvm2"};

/// As ctime(3), in this host's time zone.
std::string calendar(std::uint64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  std::array<char, 64> text{};
  if (::localtime_r(&time, &parts) == nullptr) return "unknown";
  return {text.data(), std::strftime(text.data(), text.size(), "%a %b %e %H:%M:%S %Y", &parts)};
}

/// False where the file is none of that group, or can't be read, which is said.
bool show(Session& session, const std::string& path, const std::string& vg) {
  try {
    const auto text = device::read_text_file(path);
    if (!text) return false;
    const auto head = metadata::read_backup_head(*text);
    if (head.vg_name != vg) return false;
    session.output().text(
        fmt::format("   \n  File:\t\t{}\n  VG name:    \t{}\n  Description:\t{}\n  Backup Time:\t{}\n\n",
                    path, head.vg_name, head.stamp.description, calendar(head.stamp.creation_time)));
    return true;
  } catch (const Error& error) {
    log::warning("{} can't be read: {}", path, error.what());
    return false;
  }
}

void list(Session& session, const Arguments& arguments, const std::string& vg) {
  if (const auto path = arguments.text(kBackupFile)) {
    if (!show(session, *path, vg)) throw Error(Errc::not_found, "{} holds no metadata of {}", *path, vg);
    return;
  }
  const auto& archive = session.store().options().archive;
  bool any = false;
  for (const auto& path : metadata::archived_files(archive.archive_dir, vg))
    any = show(session, path, vg) || any;
  if (!any) log::notice("No archives found in {}.", archive.archive_dir);
  show(session, backup_path(session, vg), vg);
}

void require_nothing_active(Session& session, const VolumeGroup& vg) {
  for (const auto& device : session.mapper().list()) {
    if (!device.uuid.starts_with("LVM-" + vg.id.plain())) continue;
    throw Error(Errc::in_use, "{} is active", device.name)
        .advise("take the volumes of {} down first: 'cvchange -an {}'", vg.name, vg.name);
  }
}

void require_consent_to_thin_pools(const Arguments& arguments, const VolumeGroup& vg) {
  if (arguments.has(kForceRestore)) return;
  for (const auto& lv : vg.lvs) {
    for (const auto& segment : lv.segments) {
      const auto* other = std::get_if<metadata::Opaque>(&segment.kind);
      if (other == nullptr || other->type != "thin-pool") continue;
      throw Error(Errc::refused, "{}/{} is a thin pool, whose own metadata go on from where they are",
                  vg.name, lv.name)
          .advise("--force restores the group nevertheless; see lvmthin(7) of LVM2");
    }
  }
}

bool looks_like(const Keystore& store, std::span<const std::byte> bytes) {
  constexpr std::array<unsigned char, 6> kLuksMagic{'L', 'U', 'K', 'S', 0xba, 0xbe};
  if (!store.handler.starts_with("luks")) return true;  // nobody knows how it begins
  return bytes.size() >= kLuksMagic.size() &&
         std::equal(kLuksMagic.begin(), kLuksMagic.end(), bytes.begin(),
                    [](unsigned char a, std::byte b) { return std::byte{a} == b; });
}

/// What there is now and will not be then. Throws Errc::refused where keys would go and the answer is no.
metadata::RestoreLosses agree_to_losses(Session& session, const std::string& path, const VolumeGroup& file) {
  const auto seen = session.store().scan();
  const auto found =
      std::ranges::find(seen.groups, file.id, [](const metadata::FoundGroup& group) { return group.vg.id; });
  if (found == seen.groups.end()) return {};
  auto losses = metadata::losses_of(found->vg, file);
  if (!losses.volumes.empty())
    log::warning("volumes that {} does not have go: {}", path, fmt::join(losses.volumes, ", "));
  if (!losses.stores.empty())
    session.require_confirmed(
        fmt::format("Keystores that {} does not have go, and with them the keys of their volumes: {}. Really "
                    "restore {}?",
                    path, fmt::join(losses.stores, ", "), file.name));
  return losses;
}

void run(Session& session, const Arguments& arguments) {
  const auto name = parse_group_name(arguments.operand(0));
  if (arguments.has(kList)) return list(session, arguments, name);

  const auto path = arguments.text(kBackupFile).value_or(backup_path(session, name));
  auto file = read_backup(path);
  if (file.name != name)
    throw Error(Errc::refused, "{} holds the volume group {}, not {}", path, file.name, name)
        .advise("'cvm vgcfgrestore --list {}' shows the files of that group", name);
  require_consent_to_thin_pools(arguments, file);
  if (!arguments.has(kKeepFormat)) file = metadata::to_native(std::move(file), fresh_ids());

  // Nobody is asked while the lock is held.
  const auto agreed = agree_to_losses(session, path, file);
  auto change = metadata::begin_restore(session.store(), file);
  require_nothing_active(session, file);
  const auto devices = metadata::devices_to_restore(file, change.seen());
  auto next = metadata::group_to_restore(
      std::move(file), change.current(), devices, looks_like,
      arguments.has(kForceRestore) ? metadata::LostStores::restore_empty : metadata::LostStores::refuse);
  if (metadata::losses_of(change.current(), next) != agreed)
    throw Error(Errc::refused, "{} was changed meanwhile", name).advise("run the command again");
  if (session.is_test()) {
    log::notice("would restore volume group {} from {}", name, path);
    return;
  }
  change.prepare(std::move(next), fmt::format("restored VG {} from {}", name, path));
  change.commit();
  log::notice("Restored volume group {}.", name);
}

}  // namespace

Command vgcfgrestore() {
  return {
      .name = "vgcfgrestore",
      .summary = "put the metadata of a volume group back as a file has them",
      .synopsis = {"[OPTION]... [--file FILE] VG", "--list [--file FILE] VG"},
      .description =
          "Makes a group what it was when a backup or archive file was written: the backup of the group, or "
          "the file that --file names. No data are touched. What the group is now goes into the archive "
          "first, so that this can be taken back as well.\n\nAll its physical volumes have to be there; the "
          "label of one that was lost is made anew with 'cvm pvcreate --uuid ID --restorefile FILE'. No "
          "volume "
          "of the group may be active.\n\nWhat the file can't know is kept as it is now: numbers that the "
          "encryption of a store has used are not used again, and a keystore that has moved since stays "
          "where it is. A file whose keystores are no longer on the disks is refused, unless --force says "
          "that "
          "'cvkey restore' will put a backup of them there. LVM2's own "
          "vgcfgrestore knows nothing of that: cvck tells what it left behind.",
      .options = {{"Options of this command",
                   {meaning(kBackupFile, "restore this file instead of the backup"), kList, kForceRestore,
                    kMetadataType}}},
      .min_operands = 1,
      .max_operands = 1,
      .operands = "a VG",
      .sections =
          {{"KEYSTORES WITHOUT BYTES",
            "A plain keystore keeps nothing on the disks, so nothing tells whether it is still the one "
            "of the file."}},
      .examples = {{"What there is, and the group as it was before the last change:",
                    "cvm vgcfgrestore --list vg0; cvm vgcfgrestore --file /etc/lvm/archive/vg0_00007-4711.vg "
                    "vg0"}},
      .see_also = {"vgcfgbackup", "pvcreate", "cvck"},
      .run = run,
  };
}

}  // namespace cv::tools::commands
