// cvextend: makes volumes larger, also while they are in use.
#include "tools/commands/list.h"
#include "tools/common_options.h"
#include "tools/volume_arguments.h"
#include "tools/volume_resize.h"

namespace cv::tools::commands {

namespace {

void run(Session& session, const Arguments& arguments) {
  resize_volume(session, arguments, Resizing::extend);
}

}  // namespace

Command cvextend() {
  return {
      .name = "cvextend",
      .summary = "make a logical volume larger",
      .synopsis = {"-L [+]SIZE|-l [+]EXTENTS VG/LV [PV[:FIRST-LAST]...]", "VG/LV PV[:FIRST-LAST]..."},
      .description =
          "Gives a volume more extents, whether it is open or not. An open encrypted volume needs its key "
          "again: the one "
          "that is at hand in the kernel is taken, so that nobody is asked.\n\n"
          "With --resizefs what is on it grows too: ext2 to ext4, mounted or not, XFS and btrfs where they "
          "are "
          "mounted, swap space that is not in use. Whether that can be done is found out before anything is "
          "changed. Without it the file system is not touched.",
      .options = {{"Options", {kNewSize, kNewExtents, kResizeFs, kStripes, kStripeSize, kAlloc, kNoUdevSync}},
                  secret_options()},
      .min_operands = 1,
      .max_operands = kAnyNumber,
      .operands = "a volume",
      .examples = {{"A gibibyte more", "cvextend -L +1G vg0/home"},
                   {"With the file system on it", "cvextend -r -L +1G vg0/home"},
                   {"All that is free", "cvextend -l +100%FREE vg0/home"}},
      .see_also = {"cvcreate", "cvreduce", "cvresize", "cvs"},
      .has_link = true,
      .run = run,
  };
}

}  // namespace cv::tools::commands
