// cvresize: gives volumes another size, larger or smaller.
#include "tools/commands/list.h"
#include "tools/common_options.h"
#include "tools/volume_arguments.h"
#include "tools/volume_resize.h"

namespace cv::tools::commands {

namespace {

void run(Session& session, const Arguments& arguments) {
  resize_volume(session, arguments, Resizing::either);
}

}  // namespace

Command cvresize() {
  return {
      .name = "cvresize",
      .summary = "give a logical volume another size",
      .synopsis = {"-L [+|-]SIZE|-l [+|-]EXTENTS VG/LV [PV[:FIRST-LAST]...]"},
      .description =
          "Does what cvextend does where the new size is larger and what cvreduce does where it is smaller. "
          "A "
          "volume that would get smaller must not be open; what is stored behind its new end is lost, so "
          "that is asked for first.",
      .options = {{"Options",
                   {kNewSize, kNewExtents, kResizeFs, kStripes, kStripeSize, kAlloc,
                    meaning(kForce, "ask nothing"), kNoUdevSync}},
                  secret_options()},
      .min_operands = 1,
      .max_operands = kAnyNumber,
      .operands = "a volume",
      .examples = {{"To ten gibibytes", "cvresize -L 10G vg0/home"},
                   {"Half of the group", "cvresize -l 50%VG vg0/home"}},
      .see_also = {"cvextend", "cvreduce", "cvs"},
      .has_link = true,
      .run = run,
  };
}

}  // namespace cv::tools::commands
