// What cvextend, cvreduce and cvresize have in common: everything but the name and the direction.
#pragma once

#include "tools/session.h"
#include "tools/size_request.h"

namespace cv::tools {

/// Gives the volume that is the first operand the size that -L or -l say; further operands are PVs for what
/// is added. Open volumes grow; they are not made smaller.
void resize_volume(Session& session, const Arguments& arguments, Resizing resizing);

}  // namespace cv::tools
