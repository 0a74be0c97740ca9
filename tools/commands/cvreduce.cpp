// cvreduce: makes volumes smaller.
#include "tools/commands/list.h"
#include "tools/common_options.h"
#include "tools/volume_arguments.h"
#include "tools/volume_resize.h"

namespace cv::tools::commands {

namespace {

void run(Session& session, const Arguments& arguments) {
  resize_volume(session, arguments, Resizing::reduce);
}

}  // namespace

Command cvreduce() {
  return {
      .name = "cvreduce",
      .summary = "make a logical volume smaller",
      .synopsis = {"-L [-]SIZE|-l [-]EXTENTS VG/LV"},
      .description =
          "Takes extents away from the end of a volume. What is stored there is lost: a file system must "
          "have been made smaller with its own tool before. Asks first. The volume may be active, but "
          "nobody may have it open; its device gets smaller before the extents are free for others.\n\n"
          "With --resizefs what is on it is made smaller first: ext2 to ext4 where it is not mounted, btrfs "
          "where it is (the volume stays open then), swap space that is not in use. XFS can't get smaller. "
          "Nothing is lost, so nothing is asked; what does not fit is refused by the tools.\n\n"
          "An encrypted volume that grows again later does not use the same initialisation vectors a second "
          "time.",
      .options = {{"Options",
                   {kNewSize, kNewExtents, kResizeFs, meaning(kForce, "ask nothing"), kNoUdevSync}},
                  secret_options()},
      .min_operands = 1,
      .max_operands = 1,
      .operands = "a volume",
      .examples = {{"A gibibyte less", "cvreduce -L -1G vg0/home"},
                   {"To half of its size", "cvreduce -l 50%LV vg0/home"}},
      .see_also = {"cvextend", "cvresize", "cvs"},
      .has_link = true,
      .run = run,
  };
}

}  // namespace cv::tools::commands
