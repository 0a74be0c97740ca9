// pvchange: properties of physical volumes.
#include <algorithm>
#include <map>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "metadata/edit_group.h"
#include "metadata/edit_pvs.h"
#include "tools/commands/group_options.h"
#include "tools/commands/list.h"
#include "tools/commands/pv_options.h"
#include "tools/common_options.h"
#include "tools/group_change.h"

namespace cv::tools::commands {

using namespace metadata;

namespace {

constexpr Option kAll{'a', "all", "", "every physical volume"};
constexpr Option kAllocatable{'x', "allocatable", "y|n", "whether volumes may be given extents of it", "y|n"};
constexpr Option kUuid{'u', "uuid", "", "give it a new random id"};

class Change {
 public:
  Change(Session& session, const Arguments& arguments)
      : session_(session), use_areas_(arguments.yes_or_no(kMetadataIgnore)), new_id_(arguments.has(kUuid)) {
    wanted_.allocatable = arguments.yes_or_no(kAllocatable);
    wanted_.add_tags = tags(arguments, kAddTag);
    wanted_.delete_tags = tags(arguments, kDelTag);
    if (use_areas_) use_areas_ = !*use_areas_;
  }

  void run(const std::vector<std::string>& words, bool all) {
    const Scan seen = session_.store().scan();
    std::vector<const FoundPv*> orphans;
    std::map<std::string, std::vector<const FoundPv*>> members;
    for (const FoundPv& pv : seen.pvs) {
      const bool is_named = std::ranges::any_of(words, [&](const std::string& word) {
        return session_.device_path(word) == pv.disk.device->path();
      });
      if (!all && !is_named) continue;
      if (pv.state == PvState::member)
        members[pv.group].push_back(&pv);
      else
        orphans.push_back(&pv);
    }
    for (const std::string& word : words)
      if (find_pv(seen, session_.device_path(word)) == nullptr)
        throw Error(Errc::not_found, "{} is no physical volume", word).advise("'cvm pvs' lists them");
    for (const FoundPv* pv : orphans) check_orphan(*pv, all);
    for (const auto& [group, pvs] : members) change_members(group, pvs);
    for (const FoundPv* pv : orphans) change_orphan(*pv);
    const auto count = changed_ + unchanged_;
    log::notice("{} physical volume{} changed / {} physical volume{} not changed", changed_,
                changed_ == 1 ? "" : "s", count - changed_, count - changed_ == 1 ? "" : "s");
  }

 private:
  bool changes_text() const {
    return wanted_.allocatable || !wanted_.add_tags.empty() || !wanted_.delete_tags.empty();
  }

  void check_orphan(const FoundPv& pv, bool all) const {
    if (!changes_text() || all) return;
    throw Error(Errc::refused, "{} is in no volume group, and has no such property", pv.disk.device->path())
        .advise("add it to a group first");
  }

  void change_orphan(const FoundPv& pv) {
    const auto& path = pv.disk.device->path();
    if (changes_text()) {
      ++unchanged_;
      return;
    }
    ++changed_;
    if (session_.is_test()) return log::notice("would change {}", path);
    if (use_areas_) session_.store().ignore_orphan_areas(path, !*use_areas_);
    if (new_id_) session_.store().change_orphan_id(path, PvId::random());
    log::notice("Physical volume \"{}\" changed", path);
  }

  void change_members(const std::string& group, const std::vector<const FoundPv*>& pvs) {
    if (new_id_)
      throw Error(Errc::unsupported, "{} is in {}, whose metadata knows it by its id",
                  pvs.front()->disk.device->path(), group)
          .advise("take it out with 'cvm vgreduce {} {}' first", group, pvs.front()->disk.device->path());
    Transaction change = begin_change(session_, group);
    const VolumeGroup base = base_of(session_, Purpose::change, change.current(), change.devices(), false);
    VolumeGroup next = base;
    for (const FoundPv* pv : pvs) next = change_pv(std::move(next), pv->disk.label.id, wanted_);
    if (use_areas_) next = with_areas(change, std::move(next), pvs);
    const bool changes = use_areas_ || next != base;
    (changes ? changed_ : unchanged_) += pvs.size();
    if (session_.is_test() || !changes) return;
    change.prepare(std::move(next), fmt::format("changed PVs of {}", group));
    change.commit();
    for (const FoundPv* pv : pvs) log::notice("Physical volume \"{}\" changed", pv->disk.device->path());
  }

  /// Where the group says how many areas are in use, it has to say another number now.
  VolumeGroup with_areas(Transaction& change, VolumeGroup next, const std::vector<const FoundPv*>& pvs) {
    auto [used, others] = change.count_areas();
    for (const FoundPv* pv : pvs) {
      change.use_areas(pv->disk.label.id, *use_areas_);
      for (const AreaOnDisk& area : pv->disk.areas) {
        if (area.header) --others;
        if (!area.header || area.header->ignored() != *use_areas_) continue;
        used += *use_areas_ ? 1 : -1;
      }
    }
    // Where the group counts its areas, that of another PV takes over.
    if (used == 0 && next.metadata_copies != 0 && others > 0) used = 1;
    if (used == 0)
      throw Error(Errc::refused, "{} would have no metadata area in use", next.name)
          .advise("leave one, or use one of another physical volume first");
    if (next.metadata_copies == 0 || next.metadata_copies == used) return next;
    if (!session_.is_test())
      session_.require_confirmed(
          fmt::format("Override preferred number of copies of VG {} metadata?", next.name));
    next.metadata_copies = static_cast<std::uint32_t>(used);
    return next;
  }

  Session& session_;
  PvSettings wanted_;
  std::optional<bool> use_areas_;
  bool new_id_;
  std::size_t changed_ = 0;
  std::size_t unchanged_ = 0;
};

void run(Session& session, const Arguments& arguments) {
  const Option options[] = {kAllocatable, kAddTag, kDelTag, kMetadataIgnore, kUuid};
  if (std::ranges::none_of(options, [&](const Option& option) { return arguments.has(option); }))
    throw Error(Errc::usage, "pvchange needs to know what to change").advise("see 'cvm help pvchange'");
  if (arguments.has(kAll) != arguments.operands().empty())
    throw Error(Errc::usage, "pvchange needs to know which physical volumes")
        .advise("name them, or give --all");
  Change(session, arguments).run(arguments.operands(), arguments.has(kAll));
}

}  // namespace

Command pvchange() {
  return {
      .name = "pvchange",
      .summary = "change properties of physical volumes",
      .synopsis = {"OPTION... PV...", "OPTION... -a|--all"},
      .description =
          "Changes properties of physical volumes. With --allocatable n no volume is given extents of one "
          "any "
          "more; what lies on it stays. With --metadataignore y its metadata areas are neither read nor "
          "written; at least one of the group stays in use.",
      .options = {{"Options of this command",
                   {kAll, kAllocatable, kAddTag, kDelTag, kMetadataIgnore, kUuid}}},
      .min_operands = 0,
      .max_operands = kAnyNumber,
      .operands = "physical volumes",
      .examples = {{"Give no more of an old disk to volumes:", "cvm pvchange -x n /dev/sdb"}},
      .see_also = {"pvs", "pvcreate", "pvresize", "vgchange"},
      .run = run,
  };
}

}  // namespace cv::tools::commands
