#include "metadata/block_sizes.h"

#include <algorithm>
#include <span>

#include "lib/base/error.h"

namespace cv::metadata {

void require_fitting_blocks(const std::vector<BlocksOfDevice>& members,
                            const std::vector<BlocksOfDevice>& joining, Sectors extent_size, bool mixed) {
  for (const auto& one : joining) {
    if ((to_bytes(extent_size) % one.block).n != 0)
      throw Error(Errc::refused, "{} has blocks of {} bytes, and extents of {} bytes are no multiple of them",
                  one.path, one.block.n, to_bytes(extent_size).n)
          .advise("choose larger extents with --physicalextentsize, or another device");
    const auto& others = members.empty() ? std::span(joining).first(1) : std::span(members);
    const bool is_known = std::ranges::find(others, one.block, &BlocksOfDevice::block) != others.end();
    if (mixed || is_known) continue;
    const auto& other = others.front();
    throw Error(Errc::refused, "{} has blocks of {} bytes, {} has blocks of {}", one.path, one.block.n,
                other.path, other.block.n)
        .advise(
            "file systems don't outlive a move to larger blocks; where that is no worry, set "
            "devices/allow_mixed_block_sizes = 1 in lvm.conf or with --config");
  }
}

}  // namespace cv::metadata
