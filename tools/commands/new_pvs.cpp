#include "tools/commands/new_pvs.h"

#include <algorithm>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "metadata/block_sizes.h"
#include "tools/commands/listed_pvs.h"
#include "tools/commands/pv_options.h"

namespace cv::tools::commands {

NewPvs::NewPvs(Session& session, const std::vector<std::string>& named, metadata::NewPv wanted)
    : session_(session), wanted_(std::move(wanted)) {
  wanted_.wipe = true;  // what there is to lose has been asked for by then
  for (const std::string& name : named) {
    auto path = new_pv_path(session, name);
    if (std::ranges::find(paths_, path) != paths_.end())
      throw Error(Errc::usage, "{} is named twice", path).advise("name each physical volume once");
    paths_.push_back(std::move(path));
  }
}

void NewPvs::agree(const metadata::Scan& seen) {
  std::vector<std::string> blank;
  for (const std::string& path : paths_) {
    const auto* pv = metadata::find_pv(seen, path);
    if (pv == nullptr) {
      blank.push_back(path);
      bare_.push_back({.path = path, .marked = false});
    } else if (metadata::is_marked_only(*pv)) {
      require_consent_to_marked(session_, path);
      bare_.push_back({.path = path, .marked = true});
    } else if (pv->state == metadata::PvState::member) {
      // Said before any other device is written to; the rest says Transaction::new_member().
      throw Error(Errc::in_use, "{} is in the volume group {} already", path, pv->group);
    } else if (pv->state == metadata::PvState::orphan) {
      there_.emplace_back(path, pv->disk.label.id);
    }
  }
  confirm_wiping(session_, blank);
}

void NewPvs::require_fitting(const metadata::PvDevices& members, Sectors extent_size) const {
  const auto& store = session_.store();
  const auto blocks_of = [](const device::BlockDevice& device) {
    return metadata::BlocksOfDevice{device.path(), device.block_size()};
  };
  std::vector<metadata::BlocksOfDevice> there;
  for (const auto& [id, device] : members)
    if (device != nullptr) there.push_back(blocks_of(*device));
  std::vector<metadata::BlocksOfDevice> joining;
  for (const auto& path : paths_) joining.push_back(blocks_of(*store.find_device(path)));
  metadata::require_fitting_blocks(there, joining, extent_size, store.options().allow_mixed_block_sizes);
}

void NewPvs::describe() const {
  for (const Bare& bare : bare_) log::notice("would make a physical volume of {}", bare.path);
}

void NewPvs::make() {
  PvListing listing(session_);
  for (const auto& [path, id] : there_) listing.add(path, id);
  for (const Bare& bare : bare_) {
    wanted_.id = PvId::random();
    wanted_.force = bare.marked;
    session_.store().create_pv(bare.path, wanted_);
    listing.add(bare.path, wanted_.id);
    log::notice("Physical volume \"{}\" successfully created.", bare.path);
  }
}

void require_consent_to_loss(Session& session, const metadata::FoundPv& pv, std::string_view question) {
  if (pv.state != metadata::PvState::member) return;
  session.require_confirmed(fmt::format("{} \"{}\" of volume group \"{}\", which will miss it?", question,
                                        pv.disk.device->path(), pv.group));
}

void require_consent_to_marked(Session& session, const std::string& path) {
  session.require_confirmed(
      fmt::format("{} says that it is in a volume group, but its metadata area is empty: an interrupted "
                  "vgcreate, vgextend or vgremove leaves it so. Where other devices of its group are away "
                  "just now, it must not be taken. Take it?",
                  path));
}

}  // namespace cv::tools::commands
