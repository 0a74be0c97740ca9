// cvck: looks for damage in groups, and repairs what can be repaired without guessing.
#include <algorithm>
#include <set>

#include "lib/base/log.h"
#include "metadata/edit.h"
#include "metadata/hints.h"
#include "metadata/inspect.h"
#include "metadata/repair.h"
#include "metadata/store_bytes.h"
#include "tools/commands/list.h"
#include "tools/common_options.h"
#include "tools/group_change.h"
#include "tools/session.h"
#include "tools/volume_name.h"

namespace cv::tools::commands {

namespace {

using metadata::Damage;
using metadata::FoundGroup;
using metadata::Scan;
using metadata::Severity;

constexpr Option kRepair{0, "repair", "", "repair what can be repaired without guessing", "", true};
constexpr Option kNativeForm{
    0, "native-form", "", "with --repair: bring groups of the RFC's form into the present one", "", true};

/// A finding and the group that it is about; empty: none that can be read.
struct Finding {
  std::string group;
  Damage damage;
};

std::string counted(std::size_t number, std::string_view thing) {
  return fmt::format("{} {}{}", number, thing, number == 1 ? "" : "s");
}

class Checkup {
 public:
  Checkup(Session& session, const Arguments& arguments) : session_(session), arguments_(arguments) {
    for (const auto& operand : arguments.operands()) names_.push_back(parse_group_name(operand));
  }

  void run() {
    if (arguments_.has(kNativeForm) && !arguments_.has(kRepair))
      throw Error(Errc::usage, "--native-form is a kind of repair").advise("give --repair too");
    Scan scan = look();
    if (arguments_.has(kRepair)) {
      for (const auto& name : groups_of(scan)) attempt([&] { repair(scan, name); });
      if (!session_.is_test()) scan = look();
    }
    collect(scan);
    show();
    finish();
  }

 private:
  Scan look() { return session_.store().report(metadata::ScanDepth::every_copy); }

  /// Those that were asked for and are there, or all.
  std::vector<std::string> groups_of(const Scan& scan) const {
    if (!names_.empty()) return names_;
    std::set<std::string> names;
    for (const FoundGroup& group : scan.groups) names.insert(group.vg.name);
    return {names.begin(), names.end()};
  }

  /// What fails keeps nothing else from being looked at; the first failure ends the command.
  template <class Work>
  void attempt(Work&& work) {
    try {
      work();
    } catch (const Error& error) {
      if (failure_) log::error("{}", error.what());
      if (!failure_) failure_ = error;
    }
  }

  // ---- repairs

  void repair(const Scan& seen, const std::string& name) {
    const auto& obstacles = metadata::group_at(seen, name).obstacles;
    if (std::ranges::find(obstacles, metadata::Hindrance::unfinished, &metadata::Obstacle::kind) !=
        obstacles.end()) {
      if (session_.is_test()) return log::notice("would finish the split that {} takes part in", name);
      static_cast<void>(begin_change(session_, name));
      return repair(look(), name);
    }
    const auto consents = ask(seen, name);
    repair_copies(name, consents);
    const auto group = session_.store().read(name).group.vg;
    if (!metadata::stores_being_erased(group).empty()) {
      if (session_.is_test())
        log::notice("would finish the erasure of keystores of {}", name);
      else
        static_cast<void>(begin_change(session_, name));
    }
    if (arguments_.has(kNativeForm) && !metadata::is_native(group)) convert(name);
  }

  /// Nobody is asked while a lock is held: what may be done is agreed on before.
  std::set<std::string> ask(const Scan& seen, const std::string& name) {
    std::set<std::string> consents;
    for (const auto& repair : metadata::plan_repairs(seen, metadata::group_at(seen, name))) {
      if (!repair.needs_consent() || session_.is_test()) continue;
      if (session_.confirmed(fmt::format("Do you really want to {}?", repair.sentence)))
        consents.insert(repair.sentence);
    }
    return consents;
  }

  void repair_copies(const std::string& name, const std::set<std::string>& consents) {
    const auto held = session_.store().lock_for_repair(name);
    const FoundGroup& group = metadata::group_at(held.scan, name);
    for (const auto& repair : metadata::plan_repairs(held.scan, group)) {
      if (session_.is_test()) {
        log::notice("would {}", repair.sentence);
        continue;
      }
      if (repair.needs_consent() && !consents.contains(repair.sentence)) continue;
      attempt([&] {
        during(repair.sentence, [&] { metadata::carry_out(repair, held.scan, group); });
        log::notice("Repaired: {}", repair.sentence);
      });
      if (repair.needs_consent()) metadata::drop_hints(session_.store().options().lvm_run_dir);
    }
    repair_stores(group);
  }

  /// Copies of keystores that are damaged or old, from the best one.
  void repair_stores(const FoundGroup& group) {
    metadata::require_usable(group);
    for (const auto& lv : group.vg.lvs) {
      const auto* keystore = metadata::keystore_of(lv);
      if (keystore == nullptr || keystore->erasing) continue;
      attempt([&] { repair_store(group, lv); });
    }
  }
  void repair_store(const FoundGroup& group, const metadata::LogicalVolume& store) {
    const auto told = [&](unsigned number) {
      return fmt::format("write copy {} of the keystore {}/{} anew", number, group.vg.name, store.name);
    };
    if (session_.is_test()) {
      const auto copies = metadata::read_copies(group.vg, group.devices, store);
      for (const unsigned number : metadata::copies_to_heal(store, copies))
        log::notice("would {}", told(number));
      return;
    }
    for (const unsigned number : metadata::heal_copies(group.vg, group.devices, store))
      log::notice("Repaired: {}", told(number));
  }

  void convert(const std::string& name) {
    if (session_.is_test()) return log::notice("would bring {} into its present form", name);
    auto change = begin_change(session_, name);
    auto next = base_of(session_, Purpose::change, change.current(), change.devices(), true);
    change.prepare(std::move(next), "brought into native form");
    change.commit();
  }

  // ---- findings

  void collect(const Scan& scan) {
    bool all_there = true;
    for (const auto& name : groups_of(scan)) {
      bool found = false;
      for (const FoundGroup& group : scan.groups) {
        if (group.vg.name != name) continue;
        found = true;
        checked_.push_back(name);
        for (Damage& damage : metadata::inspect(scan, group)) findings_.push_back({name, std::move(damage)});
        look_at_handlers(group.vg);
      }
      if (!found) attempt([&] { static_cast<void>(metadata::group_at(scan, name)); });
      all_there = all_there && found;
    }
    if (!names_.empty() && all_there) return;
    for (Damage& damage : metadata::inspect_rest(scan)) findings_.push_back({"", std::move(damage)});
  }

  void look_at_handlers(const metadata::VolumeGroup& vg) {
    for (const auto& lv : vg.lvs) {
      const auto* store = metadata::keystore_of(lv);
      if (store == nullptr || session_.handlers().find(store->handler) != nullptr) continue;
      findings_.push_back(
          {std::string(vg.name),
           metadata::make_damage("STORE-HANDLER", fmt::format("the key handler {} of {}/{} is not installed",
                                                              store->handler, vg.name, lv.name))});
    }
  }

  std::size_t count(Severity severity) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        findings_, [&](const Finding& finding) { return finding.damage.severity == severity; }));
  }

  // ---- output

  void show() {
    if (session_.output().format() != Format::basic) return show_table();
    std::string text;
    const bool notes = arguments_.has(kVerbose);
    for (const auto& [group, damage] : findings_) {
      if (damage.severity == Severity::note && !notes) continue;
      text += fmt::format("  {}{} {}: {}\n", group.empty() ? "" : group + ": ",
                          metadata::severity_name(damage.severity), damage.id, damage.sentence);
      if (!damage.advice.empty()) text += fmt::format("    {}\n", damage.advice);
    }
    for (const auto& name : checked_) {
      std::size_t errors = 0;
      std::size_t warnings = 0;
      for (const auto& [group, damage] : findings_) {
        if (group != name) continue;
        errors += damage.severity == Severity::error ? 1 : 0;
        warnings += damage.severity == Severity::warning ? 1 : 0;
      }
      const auto result = errors + warnings == 0
                              ? std::string("no damage found")
                              : counted(errors, "error") + ", " + counted(warnings, "warning");
      text += fmt::format("  Volume group \"{}\": {}.\n", name, result);
    }
    session_.output().text(text);
  }

  void show_table() {
    using report::Field;
    static constexpr auto kNothing = [](const report::Row&) { return report::Cell(); };
    constexpr auto kAbout = report::About::vg;
    constexpr auto kText = report::Type::text;
    static const std::vector<Field> fields{
        {"vg_name", "VG", kAbout, kText, "name of the group", kNothing},
        {"id", "Id", kAbout, kText, "kind of damage", kNothing},
        {"severity", "Severity", kAbout, kText, "error, warning or note", kNothing},
        {"message", "Message", kAbout, kText, "what was found", kNothing},
        {"hint", "Hint", kAbout, kText, "what to do", kNothing}};
    report::Table table{.name = "damage", .fields = {}, .rows = {}};
    for (const Field& field : fields) table.fields.push_back(&field);
    for (const auto& [group, damage] : findings_)
      table.rows.push_back({group, damage.id, std::string(metadata::severity_name(damage.severity)),
                            damage.sentence, damage.advice});
    session_.output().report(table, {});
  }

  void finish() const {
    const auto errors = count(Severity::error);
    if (failure_) throw *failure_;
    if (errors == 0) return;
    throw Error(Errc::damaged, "{} found",
                errors == 1 ? "one error was" : fmt::format("{} errors were", errors))
        .advise(
            "'cvm explain ID' says more of each{}",
            arguments_.has(kRepair) ? "" : "; 'cvck --repair' repairs what can be repaired without guessing");
  }

  Session& session_;
  const Arguments& arguments_;
  std::vector<std::string> names_;
  std::vector<std::string> checked_;
  std::vector<Finding> findings_;
  std::optional<Error> failure_;
};

void run(Session& session, const Arguments& arguments) {
  Checkup(session, arguments).run();
}

/// The table of kinds as paragraphs.
std::string kinds_text() {
  std::string text;
  for (const auto& kind : metadata::kDamageKinds)
    text += fmt::format("{}{} ({}): {} What to do: {}.", text.empty() ? "" : "\n\n", kind.id,
                        metadata::severity_name(kind.severity), kind.meaning, kind.advice);
  return text;
}

}  // namespace

Command cvck() {
  static const std::string kinds = kinds_text();
  return {
      .name = "cvck",
      .summary = "check volume groups, and repair their metadata",
      .synopsis = {"[OPTION]... [VG]...", "--repair [--native-form] [OPTION]... [VG]..."},
      .description =
          "Checks everything that can be checked without a key, of all groups or of those that are named: "
          "labels, every "
          "copy of the metadata, the rules of the metadata, and the copies of keystores. No key is asked "
          "for, and "
          "nothing is written.\n\n"
          "Each finding has an id, a sentence and an advice. An error means that data is out of reach or in "
          "danger, or "
          "that the group can't be changed; a warning that all works, though something is out of order; a "
          "note, shown "
          "with -v, that nothing is wrong. 'cvm explain ID' says what an id means.",
      .options = {{"Options of cvck", {kRepair, kNativeForm}}},
      .max_operands = kAnyNumber,
      .operands = "volume groups",
      .sections = {{"REPAIR",
                    "With --repair these are repaired, since nothing has to be guessed: copies of the "
                    "metadata that are "
                    "old, damaged or not there, from the newest one; copies of keystores, from the best one; "
                    "texts that were announced by a change "
                    "that did not "
                    "finish; labels that don't say that they are in use; splits and erasures of keystores "
                    "that did not finish; and, "
                    "after a question, physical volumes that the group has left behind, which lose their old "
                    "metadata. "
                    "With --native-form a group of the RFC's form is brought into the present one.\n\n"
                    "Neither the volumes nor the contents of any extent are touched, but for copies of "
                    "keystores, and keystores that are to be erased. The newest text stays as it is, with "
                    "its number. Each step is written so that a "
                    "power cut "
                    "leaves it to be repeated. Groups of another host, and groups where it can't be told "
                    "which text is "
                    "the right one, are left alone. --test says what would be done."},
                   {"KINDS OF DAMAGE", kinds}},
      .examples = {{"Check all groups:", "cvck"},
                   {"What would be repaired in one:", "cvck --repair --test vg0"},
                   {"The errors of a group for a program:", "cvck --reportformat json vg0"}},
      .see_also = {"cvs", "vgs"},
      .has_link = true,
      .run = run,
  };
}

}  // namespace cv::tools::commands
