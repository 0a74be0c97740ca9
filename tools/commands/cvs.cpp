// cvs: a report on logical volumes, encrypted or not.
#include <algorithm>
#include <set>

#include "lib/base/error.h"
#include "lib/base/match.h"
#include "tools/commands/list.h"
#include "tools/common_options.h"
#include "tools/report/volume_words.h"
#include "tools/report_source.h"
#include "tools/volume_name.h"

namespace cv::tools::commands {

namespace {

using metadata::LogicalVolume;
using report::GroupFacts;
using report::Row;
using report::TreeRow;

constexpr Option kAll{'a', "all", "", "show hidden volumes too: keystores and what volumes are made of",
                      "",  true};
constexpr Option kTree{0,  "tree", "", "show which volumes belong to which store, and what they stand on",
                       "", true};

/// A volume that the report is about.
struct Chosen {
  const GroupFacts* group;
  const LogicalVolume* lv;
};

std::vector<Chosen> chosen(ReportSource& source, const std::vector<VolumeName>& names, bool hidden_too) {
  std::vector<Chosen> all;
  const auto add_group = [&](const GroupFacts& group) {
    for (const auto& lv : group.vg().lvs) {
      if (hidden_too || metadata::is_visible(lv)) all.push_back({&group, &lv});
    }
  };
  if (names.empty()) {
    for (const auto& group : source.groups()) add_group(group);
  }
  for (const auto& name : names) {
    const auto* group = source.group(name.vg);
    if (group == nullptr) continue;
    const auto* lv = name.lv ? group->find_lv(*name.lv) : nullptr;
    if (lv != nullptr) {
      all.push_back({group, lv});
    } else if (name.lv) {
      source.miss(Error(Errc::not_found, "there is no volume {} in {}", *name.lv, name.vg));
    } else {
      add_group(*group);
    }
  }
  return all;
}

std::vector<Row> rows_of(const std::vector<Chosen>& volumes, bool for_each_segment) {
  std::vector<Row> rows;
  for (const auto& volume : volumes) {
    Row row;
    row.group = volume.group;
    row.lv = volume.lv;
    if (!for_each_segment || volume.lv->segments.empty()) {
      rows.push_back(row);
      continue;
    }
    for (const auto& segment : volume.lv->segments) {
      row.segment = &segment;
      rows.push_back(row);
    }
  }
  return rows;
}

class Tree {
 public:
  Tree(const std::vector<Chosen>& volumes, bool hidden_too) : hidden_too_(hidden_too) {
    for (const auto& volume : volumes) wanted_.insert(volume.lv);
    std::vector<const GroupFacts*> groups;
    for (const auto& volume : volumes) {
      if (std::ranges::find(groups, volume.group) == groups.end()) groups.push_back(volume.group);
    }
    for (const auto* group : groups) add_group(*group);
  }

  const std::vector<TreeRow>& rows() const { return rows_; }

 private:
  void add_group(const GroupFacts& group) {
    Row row;
    row.group = &group;
    rows_.push_back({0, group.vg().name, row});
    for (const auto& lv : group.vg().lvs) {
      const bool plain = metadata::is_visible(lv) && report::stores_of(lv).empty();
      if (plain && wanted_.contains(&lv)) add_volume(group, lv, 1);
    }
    for (const auto& lv : group.vg().lvs) {
      if (metadata::keystore_of(lv) != nullptr) add_store(group, lv);
    }
  }

  void add_store(const GroupFacts& group, const LogicalVolume& store) {
    auto users = metadata::users_of(group.vg(), store.name);
    std::erase_if(users, [&](const auto* user) { return !wanted_.contains(user); });
    if (users.empty() && !wanted_.contains(&store)) return;
    add(group, store, 1);
    if (hidden_too_) add_parts(group, store, 2);
    for (const auto* user : users) add_volume(group, *user, 2);
  }

  void add_volume(const GroupFacts& group, const LogicalVolume& lv, std::size_t depth) {
    add(group, lv, depth);
    if (hidden_too_) add_parts(group, lv, depth + 1);
  }

  /// The volumes that the areas of `lv` name. Nothing here is deeper than a few volumes; a ring is cut off.
  void add_parts(const GroupFacts& group, const LogicalVolume& lv, std::size_t depth) {
    constexpr std::size_t kDeepest = 8;
    if (depth > kDeepest) return;
    std::vector<std::string> below;
    const auto note = [&](const metadata::Area& area) {
      const auto* logical = std::get_if<metadata::LogicalArea>(&area);
      if (logical != nullptr && std::ranges::find(below, logical->lv) == below.end())
        below.push_back(logical->lv);
    };
    for (const auto& segment : lv.segments) {
      match(
          segment.kind, [&](const metadata::Striped& kind) { std::ranges::for_each(kind.stripes, note); },
          [&](const metadata::Crypt& kind) { note(kind.area); },
          [&](const metadata::Keystore& kind) { std::ranges::for_each(kind.copies, note); },
          [](const metadata::Opaque&) {});
    }
    for (const auto& name : below) {
      const auto* part = group.find_lv(name);
      if (part == nullptr) continue;
      add(group, *part, depth);
      add_parts(group, *part, depth + 1);
    }
  }

  void add(const GroupFacts& group, const LogicalVolume& lv, std::size_t depth) {
    Row row;
    row.group = &group;
    row.lv = &lv;
    rows_.push_back({depth, metadata::is_visible(lv) ? lv.name : fmt::format("[{}]", lv.name), row});
  }

  bool hidden_too_;
  std::set<const LogicalVolume*> wanted_;
  std::vector<TreeRow> rows_;
};

void run(Session& session, const Arguments& arguments) {
  const report::Request request(report::lv_report(), arguments);
  if (request.wants_field_list()) return session.output().text(report::field_list(request.kind()));
  const bool as_tree = arguments.has(kTree);
  if (as_tree && session.output().format() != Format::basic) {
    throw Error(Errc::usage, "--tree is for people and can't be written as JSON")
        .advise("ask for -o +keystore instead");
  }
  if (as_tree) {
    for (const Option& other : {report::kSort, report::kSelect, report::kSeparator})
      arguments.exclude(kTree, other);
  }
  std::vector<VolumeName> names;
  for (const auto& operand : arguments.operands()) names.push_back(parse_volume_name(operand));

  ReportSource source(session);
  if (names.empty()) source.miss_unreadable();
  source.look_at_devices(session, {.keys = request.mentions("key_loaded"),
                                   .drift = request.mentions("crypt_attr") || request.mentions("drift")});
  const bool hidden_too = arguments.has(kAll);
  const auto volumes = chosen(source, names, hidden_too);
  if (as_tree) {
    const Tree tree(volumes, hidden_too);
    session.output().text(report::as_tree(request, tree.rows()));
    source.finish();
  } else {
    const bool segments = request.mentions(report::About::segment);
    source.finish(session, request, rows_of(volumes, segments));
  }
}

}  // namespace

Command cvs() {
  return {
      .name = "cvs",
      .summary = "report on logical volumes, encrypted or not",
      .synopsis = {"[OPTION]... [VG|VG/LV]..."},
      .description =
          "Shows a line for each logical volume of all groups, of the groups that are named, or for the "
          "volumes that "
          "are named. Keystores and the hidden volumes that others are made of are shown in brackets, with "
          "--all or "
          "where they are named.\n\n"
          "A field of a segment among the fields makes a line for each segment. No key is needed for any of "
          "this.",
      .options = {{"Options of this command", {kAll, kTree}}, report::report_options()},
      .max_operands = kAnyNumber,
      .operands = "groups and volumes",
      .sections =
          {{"ATTRIBUTES",
            "The ten characters of lv_attr are those of lvs(8). The first and the seventh say what kind of "
            "volume it is: "
            "x encrypted, k a keystore, u a type that only LVM2 knows, - any other. The first is d for the "
            "hidden "
            "data volume of an encrypted one or of a store. The fifth is a active, s suspended, X where that "
            "can't be "
            "told because there is no device-mapper or --driverloaded n was given.\n\n"
            "The five characters of crypt_attr: c encrypted or k keystore; d discards are passed down; i "
            "work queues "
            "are bypassed; o the header of a volume that was taken over may still stand in its old place; m "
            "its "
            "devices are not as the metadata says, X where that can't be told.\n\n"
            "The field drift says in what they are not, for volumes of any type: table, table waiting (one "
            "is "
            "loaded and not live), permission, suspended, name, node (or link), read-ahead, part missing, "
            "part "
            "too many. `cvchange --refresh` mends all of it."}},
      .examples = {{"Who uses which store:", "cvs --tree"},
                   {"Where everything lies:", "cvs -a -o +devices"},
                   {"Encrypted volumes of more than a GiB, for a program:",
                    "cvs --reportformat json_std -S 'segtype=crypt && lv_size>1g'"}},
      .see_also = {"vgs", "pvs"},
      .has_link = true,
      .only_reads = true,
      .run = run,
  };
}

}  // namespace cv::tools::commands
