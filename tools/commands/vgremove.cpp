// vgremove: takes a volume group off its physical volumes.
#include <algorithm>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "tools/commands/list.h"
#include "tools/session.h"
#include "tools/volume_name.h"

namespace cv::tools::commands {

namespace {

void require_empty(const metadata::VolumeGroup& vg) {
  if (vg.lvs.empty()) return;
  const auto visible = std::ranges::find_if(vg.lvs, metadata::is_visible);
  const auto& first = visible != vg.lvs.end() ? *visible : vg.lvs.front();
  throw Error(Errc::in_use, "volume group {} holds {} volumes, {} among them", vg.name, vg.lvs.size(),
              first.name)
      .advise("'cvremove {}' removes them, and the keys of those that are encrypted", vg.name);
}

void run(Session& session, const Arguments& arguments) {
  std::vector<std::string> names;
  for (const auto& operand : arguments.operands()) names.push_back(parse_group_name(operand));
  for (const auto& name : names) {
    auto change = session.store().begin(name, {.membership = true});
    require_empty(change.current());
    if (session.is_test()) {
      log::notice("would remove volume group {}", name);
      continue;
    }
    change.remove_group();
    log::notice("Volume group \"{}\" successfully removed", name);
  }
}

}  // namespace

Command vgremove() {
  return {
      .name = "vgremove",
      .summary = "remove volume groups that hold no volumes",
      .synopsis = {"[OPTION]... VG..."},
      .description =
          "Removes volume groups; their physical volumes stay and belong to no group then. A group that "
          "still holds "
          "volumes is refused: keys and data go by cvremove(8), where it is said what goes.",
      .min_operands = 1,
      .max_operands = kAnyNumber,
      .operands = "at least one VG",
      .examples = {{"Remove an empty group:", "cvm vgremove vg0"}},
      .see_also = {"vgcreate", "cvremove", "vgs"},
      .run = run,
  };
}

}  // namespace cv::tools::commands
