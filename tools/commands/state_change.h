// Opening and closing volumes, for cvchange and vgchange.
#pragma once

#include "tools/session.h"

namespace cv::tools::commands {

/// What --activate says, with all that the operands mean: groups, volumes, tags, or everything.
void change_state(Session& session, const Arguments& arguments);

}  // namespace cv::tools::commands
