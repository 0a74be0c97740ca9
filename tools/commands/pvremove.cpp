// pvremove: takes the label off physical volumes.
#include "lib/base/log.h"
#include "tools/commands/list.h"
#include "tools/commands/listed_pvs.h"
#include "tools/commands/new_pvs.h"
#include "tools/common_options.h"
#include "tools/session.h"

namespace cv::tools::commands {

namespace {

void run(Session& session, const Arguments& arguments) {
  PvListing listing(session);
  for (const auto& operand : arguments.operands()) {
    const auto path = session.device_path(operand);
    if (session.is_test()) {
      log::notice("would remove the label of {}", path);
      continue;
    }
    const bool take_members = arguments.count(kForce) > 1;
    const auto seen = session.store().scan();
    const auto* pv = metadata::find_pv(seen, path);
    if (take_members && pv != nullptr)
      require_consent_to_loss(session, *pv, "Really WIPE LABELS from physical volume");
    bool force = arguments.has(kForce);
    if (pv != nullptr && !force && metadata::is_marked_only(*pv)) {
      require_consent_to_marked(session, path);
      force = true;
    }
    session.store().remove_pv(path, force, take_members);
    if (pv != nullptr) listing.remove(pv->disk.label.id);
    log::notice("Labels on physical volume \"{}\" successfully wiped.", path);
  }
}

}  // namespace

Command pvremove() {
  return {
      .name = "pvremove",
      .summary = "make physical volumes plain devices again",
      .synopsis = {"[OPTION]... PV..."},
      .description =
          "Takes the label off each physical volume, so that neither cvm nor LVM2 knows it any more. One "
          "that is in a "
          "volume group is refused.",
      .options = {{"Options of this command",
                   {meaning(kForce,
                            "take a device that says it belongs to a group which can't be found; twice: "
                            "even one that is in a group, which misses it then")}}},
      .min_operands = 1,
      .max_operands = kAnyNumber,
      .operands = "at least one PV",
      .examples = {{"A disk that is no longer needed:", "cvm pvremove /dev/sdb"}},
      .see_also = {"pvcreate", "pvs"},
      .run = run,
  };
}

}  // namespace cv::tools::commands
