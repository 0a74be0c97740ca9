#include "tools/commands/group_options.h"

#include <bit>

#include <unistd.h>

#include "lib/base/error.h"
#include "metadata/area_choice.h"
#include "tools/common_options.h"
#include "tools/sizes.h"
#include "tools/volume_name.h"

namespace cv::tools::commands {

using namespace metadata;

std::optional<Sectors> extent_size(const Arguments& arguments) {
  const auto text = arguments.text(kExtentSize);
  if (!text) return std::nullopt;
  const Bytes bytes = parse_size(*text);
  const Sectors size = whole_sectors(bytes);
  constexpr std::uint64_t kMultiple = 256;
  const bool fits = bytes.n % kSectorBytes == 0 && size.n >= 2 && size.n <= UINT32_MAX &&
                    (std::has_single_bit(size.n) || size.n % kMultiple == 0);
  if (!fits)
    throw Error(Errc::bad_size, "an extent can't be {} large", *text)
        .advise("use a power of two from 1k on, or a multiple of 128k");
  return size;
}

std::optional<Allocation> policy(const Arguments& arguments) {
  const auto name = arguments.text(kAlloc);
  if (!name) return std::nullopt;
  if (*name == "contiguous") return Allocation::contiguous;
  if (*name == "cling") return Allocation::cling;
  if (*name == "anywhere") return Allocation::anywhere;
  return Allocation::normal;
}

std::optional<std::uint32_t> metadata_copies(const Arguments& arguments, const Option& option) {
  const auto text = arguments.text(option);
  if (!text) return std::nullopt;
  if (*text == "all") return kAllAreas;
  if (*text == "unmanaged") return 0;
  return static_cast<std::uint32_t>(*arguments.number(option, UINT32_MAX - 1));
}

std::optional<std::uint32_t> limit(const Arguments& arguments, const Option& option) {
  const auto number = arguments.number(option, UINT32_MAX);
  if (!number) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

void require_no_such_device(Session& session, const std::string& group) {
  const auto path = fmt::format("{}/{}", session.configuration().text("devices/dir").value_or("/dev"), group);
  if (access(path.c_str(), F_OK) != 0) return;
  throw Error(Errc::exists, "{} exists already, the volumes of {} would stand there", path, group)
      .advise("choose another name");
}

std::vector<std::string> names_of(const VolumeGroup& vg) {
  std::vector<std::string> names;
  for (const LogicalVolume& lv : vg.lvs) names.push_back(lv.name);
  return names;
}

void require_inactive(Session& session, const VolumeGroup& vg, const std::vector<std::string>& lvs) {
  const auto device = session.activator().any_device_of(vg, lvs);
  if (!device) return;
  throw Error(Errc::in_use, "{} has a volume that is active as {}, and this can't be done while it is",
              vg.name, device->name)
      .advise("close its volumes first: 'cvm vgchange -an {}'", vg.name);
}

void require_inactive(Session& session, const VolumeGroup& vg) {
  require_inactive(session, vg, names_of(vg));
}

std::vector<std::string> named_groups(Session& session, const Arguments& arguments, bool all) {
  std::vector<std::string> names;
  for (const auto& operand : arguments.operands()) names.push_back(parse_group_name(operand));
  if (!names.empty() && all)
    throw Error(Errc::usage, "--all means every group, and {} is named", names.front())
        .advise("give one of both");
  if (!all) return names;
  for (const auto& group : session.store().scan().groups) names.push_back(group.vg.name);
  return names;
}

}  // namespace cv::tools::commands
