// cvcreate: new volumes, plain or encrypted.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

#include "activate/new_volumes.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "metadata/group_index.h"
#include "metadata/names.h"
#include "metadata/store_bytes.h"
#include "metadata/usage.h"
#include "metadata/volume_bytes.h"
#include "metadata/volume_finder.h"
#include "tools/commands/list.h"
#include "tools/common_options.h"
#include "tools/device_options.h"
#include "tools/group_change.h"
#include "tools/size_request.h"
#include "tools/sizes.h"
#include "tools/store_request.h"
#include "tools/volume_arguments.h"
#include "tools/volume_name.h"

namespace cv::tools::commands {

using namespace metadata;

namespace {

constexpr Option kCrypt{0, "crypt", "", "encrypt the volume"};
constexpr Option kNamesFrom{0, "names-from", "FILE",
                            "make a volume for each name in this file, one on a line"};
/// Superblocks of file systems, of RAID members and others lie here; a new plain volume must not show those
/// of an old one to udev, which looks at it as soon as it is there.
constexpr Bytes kZeroedHead{128 * 1024};
constexpr Bytes kZeroedTail{136 * 1024};

std::vector<std::string> names_from_file(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> names;
  for (std::string line; std::getline(file, line);)
    if (!line.empty()) names.push_back(line);
  if (!file.eof())
    throw Error(Errc::io, "{} can't be read", path).advise("give a file with one name on a line");
  if (names.empty()) throw Error(Errc::usage, "{} has no names", path);
  return names;
}

class Creation {
 public:
  Creation(Session& session, const Arguments& arguments)
      : session_(session),
        arguments_(arguments),
        encrypted_(arguments.has(kCrypt) || arguments.has(kKeystore)),
        scan_(session.store().scan()),
        found_(group_at(scan_, parse_group_name(arguments.operand(0)))) {
    require_changeable(found_);
    is_active_ = arguments.text(kActivate).value_or("y") != "n" && session.may_use_driver();
    if (!encrypted_) refuse_store_options();
    device_ = device_properties(arguments);
  }

  void run() {
    // Everything that can be refused is refused before anybody is asked for anything.
    rehearse();
    if (session_.is_test()) return;
    if (encrypted_) get_key();
    write();
  }

 private:
  /// A group of its own dies with it: there is a copy less while the next one is written.
  void rehearse() {
    VolumeGroup base = base_of(session_, Purpose::rehearsal, found_.vg, found_.devices, encrypted_);
    if (encrypted_) choose_store(base);
    if (session_.is_test()) return show_plan(base, designed(base, found_.devices));
    designed(std::move(base), found_.devices);
    if (encrypted_) require_consent_to_crypt(session_, found_.vg);
  }

  void refuse_store_options() const {
    auto options = new_store_options().options;
    for (const OptionGroup& group : {secret_options(), derivation_options()})
      options.insert(options.end(), group.options.begin(), group.options.end());
    for (const Option& option : options)
      if (arguments_.has(option))
        throw Error(Errc::usage, "--{} is for encrypted volumes", option.name)
            .advise("add --crypt, or leave it away");
  }

  void choose_store(const VolumeGroup& base) {
    const std::string name = arguments_.text(kKeystore).value_or("");
    if (!name.empty()) require_store_name(name);
    const LogicalVolume* existing = name.empty() ? nullptr : find_lv(base, name);
    is_new_store_ = existing == nullptr;
    if (is_new_store_) {
      made_.wanted = requested_store(session_, base, name);
      store_ = made_.wanted.name;
    } else {
      if (keystore_of(*existing) == nullptr)
        throw Error(Errc::refused, "{}/{} is a volume and no keystore", base.name, name)
            .advise("`cvs -a {}` shows the keystores", base.name);
      require_consistent(arguments_, base, *existing);
      store_ = name;
    }
  }

  std::vector<std::string> chosen_names(const VolumeGroup& vg) const {
    std::vector<std::string> names = arguments_.texts(kName);
    if (const auto file = arguments_.text(kNamesFrom))
      std::ranges::copy(names_from_file(*file), std::back_inserter(names));
    if (names.empty()) names.push_back(next_lv_name(vg));
    for (std::string& name : names)
      if (name.starts_with(vg.name + "/")) name.erase(0, vg.name.size() + 1);
    return names;
  }

  /// The group with the new volumes. Pure but for the ids.
  VolumeGroup designed(VolumeGroup next, const PvDevices& devices) {
    if (names_.empty()) names_ = chosen_names(next);
    if (encrypted_ && is_new_store_) next = create_store(std::move(next), made_.wanted, fresh_ids());
    const Placement placement = placement_from(arguments_, next, devices, 1);
    SizeInTurn ask;
    if (sizes_.empty()) ask = sizes_of_new(arguments_, next, placement);
    std::size_t turn = 0;
    NewVolumes wanted{.names = names_,
                      .size =
                          [&](const Room& room) {
                            // What was promised when the person was asked holds, or is refused, when it is
                            // written.
                            if (turn == sizes_.size()) sizes_.push_back(ask(room));
                            return sizes_[turn++];
                          },
                      .placement = placement,
                      .tags = arguments_.texts(kAddTag),
                      .origin = origin_of(session_)};
    next = encrypted_ ? create_crypt_volumes(std::move(next), {.volumes = std::move(wanted), .store = store_},
                                             fresh_ids())
                      : create_plain_volumes(std::move(next), wanted, fresh_ids());
    return set_device_properties(std::move(next), names_, device_);
  }

  void show_plan(const VolumeGroup& base, const VolumeGroup& next) {
    std::string text;
    const GroupIndex before(base);
    for (const LogicalVolume& lv : next.lvs) {
      if (before.find_lv(lv.name) != nullptr) continue;
      text += fmt::format("  would create {}/{}: {} extents, {}\n", next.name, lv.name, size_of(lv).n,
                          format_size(to_bytes(payload_size(next, lv))));
    }
    if (is_active_) {
      activate::StoreKeys keys;
      if (encrypted_) keys.emplace(store_, described_key(next));
      const auto inputs = tree_inputs(found_.devices, std::move(keys));
      text += shown(session_.activator().plan_change(base, next, names_, inputs));
    }
    session_.output().text(text);
  }

  /// How tables will name a key that nobody has asked for yet.
  activate::StoreKey described_key(const VolumeGroup& next) {
    const Keystore* store = keystore_of(lv_at(next, store_));
    activate::StoreKey key;
    key.key = activate::KeyringKey{store->key_bits / 8,
                                   activate::key_description({next.id, lv_at(next, store_).id})};
    key.cipher = store->cipher;
    key.sector_bytes = store->sector_bytes.value_or(512);
    return key;
  }

  void get_key() {
    if (is_new_store_) {
      made_ = make_store(session_, scan_, found_.vg, std::move(made_.wanted));
    } else if (is_active_) {
      session_.unlocker(found_.devices).open(found_.vg, store_);
    } else if (session_.secrets().has_key_file()) {
      session_.unlocker(found_.devices).test(found_.vg, store_);
    }
    if (is_active_) return;
    // No table will need it.
    made_.key = nullptr;
    session_.secrets().forget();
    session_.keys().wipe();
  }

  void write() {
    Transaction change = begin_change(session_, found_.vg.name);
    if (encrypted_ && !is_new_store_) require_same_store(found_.vg, change.current(), store_);
    VolumeGroup next = designed(
        base_of(session_, Purpose::change, change.current(), change.devices(), encrypted_), change.devices());
    // The extents are free in the group that is valid: nobody reads them until the commit.
    if (encrypted_ && is_new_store_)
      write_new_copies(next, change.devices(), lv_at(next, store_), made_.bytes);
    if (!encrypted_) wipe_plain(next, change.devices());
    note_used_ivs(change.current(), next, change.devices());
    change.prepare(std::move(next), "created " + listed(names_));
    if (is_active_) {
      auto devices = stage(change);
      change.commit();
      during("the volume is created, but not active; cvchange -ay tries again", [&] { devices.go(); });
      if (encrypted_)
        during("the volume is created, but its beginning is not wiped",
               [&] { activate::wipe_new_volumes(session_.mapper(), change.current(), names_); });
    } else {
      change.commit();
    }
    if (encrypted_ && is_new_store_) log::info("Keystore \"{}\" created.", store_);
    for (const std::string& name : names_) log::notice("Logical volume \"{}\" created.", name);
  }

  void wipe_plain(const VolumeGroup& vg, const PvDevices& devices) const {
    VolumeFinder volumes(vg);
    std::set<PvId> touched;
    for (const std::string& name : names_) {
      const LogicalVolume& lv = *volumes.find_lv(name);
      const auto volume = open_volume(vg, devices, lv);
      const Bytes size = volume->size();
      const Bytes head = std::min(kZeroedHead, size);
      volume->zero(Bytes(0), head);
      const Bytes tail = std::min(kZeroedTail, size - head);
      volume->zero(size - tail, tail);
      std::ranges::copy(pvs_of(lv), std::inserter(touched, touched.end()));
    }
    for (const PvId& pv : touched) devices.at(pv)->flush();
  }

  activate::Change stage(const Transaction& change) {
    const VolumeGroup& next = change.prepared();
    activate::StoreKeys keys;
    if (encrypted_) {
      if (is_new_store_)
        session_.keys().put({next.id, lv_at(next, store_).id}, std::exchange(made_.key, nullptr));
      keys = session_.unlocker(change.devices()).open(next, std::vector{store_});
      session_.secrets().forget();
    }
    return session_.activator().stage(change.current(), next, names_,
                                      tree_inputs(change.devices(), std::move(keys)));
  }

  Session& session_;
  const Arguments& arguments_;
  bool encrypted_;
  Scan scan_;
  const FoundGroup& found_;
  bool is_active_ = false;
  std::string store_;
  bool is_new_store_ = false;
  MadeStore made_;
  std::vector<std::string> names_;
  DeviceProperties device_;
  std::vector<Extents> sizes_;  ///< of names_
};

void run(Session& session, const Arguments& arguments) {
  Creation(session, arguments).run();
}

}  // namespace

Command cvcreate() {
  Command command{
      .name = "cvcreate",
      .summary = "create logical volumes, plain or encrypted",
      .synopsis = {"-L SIZE|-l EXTENTS [-n NAME]... VG [PV[:FIRST-LAST]...]",
                   "--crypt [--keystore NAME] -L SIZE|-l EXTENTS [-n NAME]... VG [PV[:FIRST-LAST]...]"},
      .description =
          "Creates one volume for each name, all of the same size, in one change of the volume group. "
          "Without a name the "
          "volume is called lvol0, lvol1 and so on. The volumes are active afterwards.\n\n"
          "With --crypt, or when a keystore is named, the volumes are encrypted. Their key lives in a "
          "keystore, which "
          "volumes may share: naming an existing one with --keystore takes its cipher and its key, any other "
          "name, or "
          "none, makes a new one.\n\n"
          "Without --activate n an existing keystore is opened with the key that is at hand in the kernel, "
          "else with the "
          "key file, else by asking.",
      .options = {{"Options",
                   {kName, kNamesFrom, kSize, kExtents, kStripes, kStripeSize, kAlloc, kAddTag, kActivate,
                    kReadAhead, kPersistent, kMajor, kMinor, kCrypt, kKeystore, kNoUdevSync}},
                  new_store_options(),
                  secret_options(),
                  derivation_options()},
      .min_operands = 1,
      .max_operands = kAnyNumber,
      .operands = "a volume group",
      .examples = {{"An encrypted volume with a keystore of its own", "cvcreate --crypt -L 10G -n home vg0"},
                   {"A second one that is opened by the same key",
                    "cvcreate --keystore cryptostore1 -L 5G -n mail vg0"},
                   {"A plain volume over two disks", "cvcreate -L 10G -i 2 -n scratch vg0"}},
      .see_also = {"cvchange", "cvextend", "cvremove", "cvs"},
      .has_link = true,
      .run = run,
  };
  return command;
}

}  // namespace cv::tools::commands
