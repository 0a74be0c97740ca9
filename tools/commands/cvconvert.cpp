// cvconvert: takes a LUKS volume over, as it stands.
#include <algorithm>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/crypt/luks_header.h"
#include "lib/device/block_device.h"
#include "metadata/edit_copies.h"
#include "metadata/edit_store.h"
#include "metadata/names.h"
#include "metadata/store_bytes.h"
#include "metadata/usage.h"
#include "metadata/volume_bytes.h"
#include "tools/commands/list.h"
#include "tools/common_options.h"
#include "tools/group_change.h"
#include "tools/seen_volume.h"
#include "tools/store_copies.h"
#include "tools/store_request.h"

namespace cv::tools::commands {

using namespace metadata;

namespace {

constexpr Option kImportLuks{0, "import-luks", "", "turn a LUKS volume into an encrypted volume of cvm"};
constexpr Option kHeader{0, "header", "FILE|DEVICE", "the LUKS header is there, not in the volume"};
constexpr Option kWipeOldHeader{0, "wipe-old-header", "",
                                "overwrite the header inside the volume, once the keystore has it"};

std::vector<std::byte> header_on(device::BlockDevice& device) {
  const auto read = [&](Bytes at, std::span<std::byte> into) { device.read(at, into); };
  auto header = during(device.path(), [&] { return crypt::read_luks_header(read, device.size()); });
  if (header) return std::move(*header);
  throw Error(Errc::refused, "{} does not begin with a LUKS header", device.path())
      .advise("only LUKS1 and LUKS2 volumes can be imported; a detached header is named with --header");
}

class LuksImport {
 public:
  LuksImport(Session& session, const Arguments& arguments)
      : session_(session), arguments_(arguments), seen_(session, arguments.operand(0)) {}

  void run() {
    const VolumeGroup base = base_of(session_, Purpose::rehearsal, seen_.vg(), seen_.devices(), true);
    require_plain(base);
    session_.activator().require_unused(seen_.vg(), lv());
    header_ = read_header(base, seen_.devices());
    import_ = described(base, header_);
    const VolumeGroup rehearsed = import_luks(base, import_, fresh_ids());
    if (session_.is_test()) return show_plan(base, rehearsed);
    require_consent_to_crypt(session_, base);
    warn_of_same_key();
    write();
  }

 private:
  const std::string& lv() const { return seen_.name(); }

  /// What can be told of the volume before its bytes are read.
  void require_plain(const VolumeGroup& vg) const {
    const LogicalVolume& volume = lv_at(vg, lv());
    if (crypt_of(volume) == nullptr && keystore_of(volume) == nullptr) return;
    throw Error(Errc::refused, "{}/{} is an encrypted volume or keystore of cvm already", vg.name, lv());
  }

  std::vector<std::byte> read_header(const VolumeGroup& vg, const PvDevices& devices) const {
    if (const auto path = arguments_.text(kHeader))
      return header_on(*device::open_device(*path, device::Access::read_only));
    return header_on(*open_volume(vg, devices, lv()));
  }

  Import described(const VolumeGroup& vg, std::span<const std::byte> header) {
    const crypt::LuksInfo info = during(fmt::format("the LUKS header of {}/{}", vg.name, lv()),
                                        [&] { return crypt::LuksHeader(header).info(); });
    const Sectors size = to_sectors(size_of(lv_at(vg, lv())), vg.extent_size);
    if (info.payload_length && info.payload_offset + *info.payload_length != size)
      throw Error(Errc::unsupported, "the LUKS header of {}/{} covers {} of its {} sectors", vg.name, lv(),
                  (info.payload_offset + *info.payload_length).n, size.n)
          .advise("give the volume the size that its header states, then import it");
    for (const std::string& flag : info.other_flags)
      log::warning("the persistent flag {} of the LUKS header is not carried over", flag);

    Import import;
    import.lv = lv();
    import.store = arguments_.text(kKeystore).value_or(next_store_name(vg));
    import.detached = arguments_.has(kHeader);
    import.copies = static_cast<unsigned>(arguments_.number(kCopies, kMostCopies).value_or(0));
    import.origin = origin_of(session_);
    import.header.handler = crypt::name_of(info.version);
    import.header.cipher = info.cipher;
    import.header.key_bits = info.key_bits;
    import.header.key_hash = info.hash;
    import.header.sector_bytes = info.sector_bytes;
    import.header.header_size = Bytes(header.size());
    import.header.payload_offset = info.payload_offset;
    import.header.iv_first = info.iv_offset;
    import.header.discards = info.discards;
    import.header.inline_workqueues = info.inline_workqueues;
    require_store_name(import.store);
    return import;
  }

  void warn_of_same_key() {
    if (const auto other = store_with_same_key())
      log::warning("{}/{} has the same volume key as {}: equal contents at equal places of both can be seen",
                   seen_.vg_name(), lv(), *other);
  }

  /// No key is needed: copies of one header are found by its digest. One that is given must open the header.
  std::optional<std::string> store_with_same_key() {
    if (!session_.secrets().has_key_file())
      return store_with_digest(session_, seen_.scan(), import_.header.handler, header_);
    activate::SecretRequest who;
    who.vg = seen_.vg_name();
    who.store = import_.store;
    who.handler = import_.header.handler;
    const auto secret = session_.secrets().next(who);
    auto unlocked = secret ? crypt::LuksHeader(header_).unlock(*secret) : std::nullopt;
    if (!unlocked)
      throw Error(Errc::key_wrong, "the key does not open the LUKS header of {}/{}", seen_.vg_name(), lv())
          .advise("{}", session_.secrets().advice_when_wrong());
    return store_with_key(session_, seen_.scan(), unlocked->key);
  }

  void write() {
    Transaction change = begin_change(session_, seen_.vg_name());
    const VolumeGroup base = base_of(session_, Purpose::change, change.current(), change.devices(), true);
    require_plain(base);
    session_.activator().deactivate(change.current(), {lv()});
    if (read_header(base, change.devices()) != header_)
      throw Error(Errc::refused, "the LUKS header of {}/{} was changed meanwhile", seen_.vg_name(), lv())
          .advise("run the command again");
    import_.store = arguments_.text(kKeystore).value_or(next_store_name(base));
    const VolumeGroup next = import_luks(base, import_, fresh_ids());
    const LogicalVolume& store = lv_at(next, import_.store);
    // Free extents in the group that is valid; or the header's own, of which not one byte is written.
    if (!imports_in_place(base, import_)) write_new_copies(next, change.devices(), store, header_);
    require_loadable(next, change.devices(), store);
    change.prepare(next, fmt::format("imported {}", lv()));
    change.commit();
    log::notice("Logical volume \"{}\" is now an encrypted volume of keystore \"{}\".", lv(), import_.store);
    finish(change);
  }

  /// The header must open from where it is now, each copy of it.
  static void require_loadable(const VolumeGroup& vg, const PvDevices& devices, const LogicalVolume& store) {
    for (const StoreCopy& copy : read_copies(vg, devices, store))
      during(fmt::format("copy {} of {}/{}", copy.number, vg.name, store.name),
             [&] { static_cast<void>(crypt::LuksHeader(copy.bytes).info()); });
  }

  void finish(Transaction& change) {
    const Crypt* crypt = crypt_of(lv_at(change.current(), lv()));
    if (crypt == nullptr || !crypt->old_header) return;
    if (!arguments_.has(kWipeOldHeader)) {
      log::notice("The old header inside {}/{} still opens with the passphrases it has now.", seen_.vg_name(),
                  lv());
      log::notice("cvconvert --wipe-old-header {}/{} overwrites it.", seen_.vg_name(), lv());
      return;
    }
    wipe_old_header(change.current(), change.devices(), lv());
    change.prepare(forget_old_header(change.current(), lv()), "wiped an old header");
    change.commit();
  }

  void show_plan(const VolumeGroup& base, const VolumeGroup& next) {
    session_.output().text(fmt::format(
        "  would turn {}/{} into an encrypted volume, its header {} the keystore {}\n", next.name, lv(),
        imports_in_place(base, import_) ? "in place becoming" : "copied into", import_.store));
  }

  Session& session_;
  const Arguments& arguments_;
  SeenVolume seen_;
  std::vector<std::byte> header_;
  Import import_;
};

/// --wipe-old-header alone: for a volume that was imported before.
void wipe_imported(Session& session, const Arguments& arguments) {
  const FullVolumeName name = parse_full_volume_name(arguments.operand(0));
  Transaction change = begin_change(session, name.vg);
  const LogicalVolume& lv = lv_at(change.current(), name.lv);
  const Crypt* crypt = crypt_of(lv);
  if (crypt == nullptr || !crypt->old_header)
    throw Error(Errc::refused, "there is no old header inside {}/{}", name.vg, lv.name)
        .advise("`cvs -o +crypt_attr` shows an o where there is one");
  if (session.is_test())
    return session.output().text(
        fmt::format("  would overwrite the old header inside {}/{}\n", name.vg, lv.name));
  wipe_old_header(change.current(), change.devices(), lv.name);
  change.prepare(forget_old_header(change.current(), lv.name), "wiped an old header");
  change.commit();
  log::notice("Old header inside {}/{} overwritten.", name.vg, name.lv);
}

/// The copies that a store of `count` can do without: of those that serve worst, those that share a physical
/// volume with a better one first.
std::vector<unsigned> surplus_copies(const VolumeGroup& vg, const PvDevices& devices,
                                     const LogicalVolume& store, unsigned count) {
  std::vector<unsigned> alone;
  std::vector<unsigned> beside;
  std::vector<PvId> taken;
  for (const StoreCopy& copy : read_copies(vg, devices, store)) {
    const auto shared = copies_on(vg, store, taken);
    const bool is_shared = std::ranges::find(shared, copy.number) != shared.end();
    (is_shared ? beside : alone).push_back(copy.number);
    const auto& area = std::get<LogicalArea>(keystore_of(store)->copies[copy.number - 1]);
    std::ranges::copy(pvs_of(lv_at(vg, area.lv)), std::back_inserter(taken));
  }
  std::ranges::copy(beside, std::back_inserter(alone));
  alone.erase(alone.begin(), alone.begin() + count);
  return alone;
}

/// A store whose copy has no trailer is copied whole into extents with room for one, `count` times.
void copy_whole(Session& session, Transaction& change, const VolumeGroup& base, const std::string& name,
                unsigned count) {
  const auto bytes = read_copies(base, change.devices(), lv_at(base, name)).front().bytes;
  const Bytes region(bytes.size() + kStoreTrailerBytes);
  change.prepare(want_copies(replace_bytes(base, name, keystore_of(lv_at(base, name))->handler, region, count,
                                           fresh_ids(), origin_of(session)),
                             name, count),
                 "copied " + name);
  write_new_copies(change.prepared(), change.devices(), lv_at(change.prepared(), name), bytes);
}

/// --copies alone: a keystore has more copies afterwards, or fewer.
void change_copies(Session& session, const Arguments& arguments) {
  const FullVolumeName name = parse_full_volume_name(arguments.operand(0));
  const auto count = static_cast<unsigned>(arguments.number(kCopies, kMostCopies).value_or(0));
  if (count == 0) throw Error(Errc::usage, "a keystore has at least one copy");
  Transaction change = begin_change(session, name.vg);
  const VolumeGroup base = base_of(session, Purpose::change, change.current(), change.devices(), true);
  const VolumeGroup wanted = want_copies(base, name.lv, count);
  const LogicalVolume& store = lv_at(base, name.lv);
  const auto copies = read_copies(base, change.devices(), store);
  const auto have = static_cast<unsigned>(copies.size());
  if (have == 0)
    throw Error(Errc::refused, "{}/{} is of handler {}, which keeps no bytes: there is nothing to copy",
                name.vg, name.lv, keystore_of(store)->handler)
        .advise("'cvm vgcfgbackup' saves all that there is of it");
  const bool adopted = have == 1 && !copies.front().trailer && copies.front().flaw.empty();
  if (count > have && !adopted && !can_be_copied(store, copies))
    throw Error(Errc::damaged, "no copy of the keystore {}/{} is as it should be", name.vg, name.lv)
        .advise("look with 'cvck {}', and restore it from a backup with cvkey restore", name.vg);
  VolumeGroup next = wanted;
  if (count > have && !adopted) next = add_copies(wanted, name.lv, count, {}, fresh_ids());
  if (count < have)
    next = give_up_copies(wanted, name.lv, surplus_copies(base, change.devices(), store, count), fresh_ids(),
                          origin_of(session));
  if (!adopted && keystore_of(lv_at(next, name.lv))->copies.size() < count)
    throw Error(Errc::no_space, "there is room for {} of the keystore {}/{}, not for {}",
                count_of_copies(keystore_of(lv_at(next, name.lv))->copies.size()), name.vg, name.lv, count)
        .advise("each lies on a physical volume of its own: 'cvm vgextend {} PV' adds one", name.vg);
  if (session.is_test())
    return session.output().text(fmt::format("  would give the keystore {}/{} {} instead of {}\n", name.vg,
                                             name.lv, count_of_copies(count), have));
  if (adopted && count > 1) {
    copy_whole(session, change, base, name.lv, count);
  } else {
    change.prepare(std::move(next), "changed the copies of " + name.lv);
    fill_new_copies(change);
  }
  change.commit();
  log::notice("The keystore {}/{} has {} now.", name.vg, name.lv, count_of_copies(count));
  during("the copies that are given up are not yet overwritten", [&] { finish_erasing(session, change); });
}

void run(Session& session, const Arguments& arguments) {
  if (arguments.has(kImportLuks)) return LuksImport(session, arguments).run();
  for (const Option& option : {kHeader, kKeystore})
    if (arguments.has(option)) throw Error(Errc::usage, "--{} goes with --import-luks only", option.name);
  arguments.exclude(kWipeOldHeader, kCopies);
  if (arguments.has(kWipeOldHeader)) return wipe_imported(session, arguments);
  if (arguments.has(kCopies)) return change_copies(session, arguments);
  throw Error(Errc::usage, "cvconvert needs to know what to do")
      .advise("give --import-luks, --wipe-old-header or --copies");
}

}  // namespace

Command cvconvert() {
  return {
      .name = "cvconvert",
      .summary = "take over LUKS volumes, and say how many copies a keystore has",
      .synopsis = {"--import-luks [--header FILE|DEVICE] [--keystore NAME] VG/LV", "--wipe-old-header VG/LV",
                   "--copies N VG/STORE"},
      .description =
          "Turns a LUKS1 or LUKS2 volume that stands in a linear or striped logical volume into an encrypted "
          "volume of cvm: "
          "its header becomes a keystore, its payload stays where it is, byte for byte. No key is needed; "
          "one that is given "
          "is tested. Every passphrase that opened the header opens the keystore. The volume is closed "
          "afterwards.\n\n"
          "Where the payload begins with an extent, the extents of the header become the keystore as they "
          "stand. Otherwise "
          "the header is copied to free extents. The copy inside the volume then still opens with the "
          "passphrases that it "
          "has now, even if they are removed from the keystore later, until --wipe-old-header overwrites "
          "it.\n\n"
          "With --copies alone a keystore gets more copies, or keeps fewer, and whenever a physical volume "
          "comes or goes it is kept at so many. Each lies on a physical volume of its own. No key is "
          "needed, nor its handler. What is given up is overwritten. A header that was taken over in place "
          "moves to other extents for that.",
      .options = {{"Options",
                   {kImportLuks, kHeader, meaning(kKeystore, "the name of the new keystore"),
                    meaning(kCopies, "so many copies of the keystore, each on another PV"), kWipeOldHeader,
                    kNoUdevSync}},
                  secret_options()},
      .min_operands = 1,
      .max_operands = 1,
      .operands = "a volume",
      .examples = {{"Take over a LUKS volume", "cvconvert --import-luks vg0/old"},
                   {"The same, and make its old passphrases useless",
                    "cvconvert --import-luks --wipe-old-header vg0/old"},
                   {"Keep a keystore on two disks", "cvconvert --copies 2 vg0/cryptostore1"}},
      .see_also = {"cvcreate", "cvchange", "cvs"},
      .has_link = true,
      .run = run,
  };
}

}  // namespace cv::tools::commands
