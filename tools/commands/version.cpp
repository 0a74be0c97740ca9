// version: which cvm this is.
#include <fmt/format.h>

#include "tools/commands/list.h"
#include "tools/session.h"
#include "tools/version.h"

namespace cv::tools::commands {

namespace {

void run(Session& session, const Arguments&) {
  session.output().text(version_text());
}

}  // namespace

Command version() {
  return {
      .name = "version",
      .summary = "show the version",
      .synopsis = {},
      .description = "Prints the version of cvm.",
      .only_reads = true,
      .run = run,
  };
}

}  // namespace cv::tools::commands
