// pvremove: takes the label off physical volumes.
#include "lib/base/log.h"
#include "tools/commands/list.h"
#include "tools/common_options.h"
#include "tools/session.h"

namespace cv::tools::commands {

namespace {

void run(Session& session, const Arguments& arguments) {
  for (const auto& operand : arguments.operands()) {
    const auto path = session.device_path(operand);
    if (session.is_test()) {
      log::notice("would remove the label of {}", path);
      continue;
    }
    session.store().remove_pv(path, arguments.has(kForce));
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
                   {meaning(kForce, "take a device that says it belongs to a group which can't be found")}}},
      .min_operands = 1,
      .max_operands = kAnyNumber,
      .operands = "at least one PV",
      .examples = {{"A disk that is no longer needed:", "cvm pvremove /dev/sdb"}},
      .see_also = {"pvcreate", "pvs"},
      .run = run,
  };
}

}  // namespace cv::tools::commands
