#include "tools/commands/pv_options.h"

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/device/probe.h"
#include "tools/common_options.h"
#include "tools/device_choice.h"
#include "tools/sizes.h"

namespace cv::tools::commands {

namespace {

constexpr Option kDataAlignment{0, "dataalignment", "SIZE",
                                "begin the data at a multiple of this; 1m if not given"};
constexpr Option kDataAlignmentOffset{0, "dataalignmentoffset", "SIZE", "begin the data so much further on"};
constexpr Option kMetadataSize{0, "metadatasize", "SIZE", "least size of a metadata area"};
constexpr Option kPvCopies{0, "pvmetadatacopies", "0|1|2",
                           "number of metadata areas; the second is at the end of the device", "0|1|2"};
constexpr Option kBootloaderSize{0, "bootloaderareasize", "SIZE", "leave room for a boot loader"};
constexpr Option kLabelSector{0, "labelsector", "0|1|2|3", "the sector of the label; 1 if not given",
                              "0|1|2|3"};
constexpr Option kZero{'Z', "zero", "y|n", "n: leave the first 2 KiB of the device as they are", "y|n"};

}  // namespace

OptionGroup pv_layout_options() {
  return {"Options for new physical volumes",
          {kDataAlignment, kDataAlignmentOffset, kMetadataSize, kPvCopies, kMetadataIgnore, kBootloaderSize,
           kLabelSector, kZero}};
}

metadata::NewPv new_pv(const Arguments& arguments) {
  metadata::NewPv wanted;
  metadata::PvLayout& layout = wanted.layout;
  const auto take = [&](const Option& option, Bytes& into) {
    if (const auto text = arguments.text(option)) into = parse_size(*text);
  };
  take(kDataAlignment, layout.data_alignment);
  take(kDataAlignmentOffset, layout.data_alignment_offset);
  take(kMetadataSize, layout.metadata_size);
  take(kBootloaderSize, layout.bootloader_size);
  if (const auto copies = arguments.number(kPvCopies))
    layout.metadata_copies = static_cast<unsigned>(*copies);
  if (const auto sector = arguments.number(kLabelSector))
    layout.label_sector = static_cast<unsigned>(*sector);
  wanted.zero = arguments.yes_or_no(kZero).value_or(true);
  wanted.ignore_areas = arguments.yes_or_no(kMetadataIgnore).value_or(false);
  return wanted;
}

std::string new_pv_path(Session& session, const std::string& named) {
  auto path = session.device_path(named);
  if (session.store().find_device(path) != nullptr) return path;
  const Error missing(Errc::not_found, "{} is not among the devices that may be used", named);
  if (const auto list = devices_file_in_force(session.arguments(), session.configuration())) {
    throw Error(missing).advise("{} lists the devices that may be; 'lvmdevices --adddev {}' adds it", *list,
                                named);
  }
  throw Error(missing).advise(
      "check that it exists and that no filter rejects it; regular files need --devices");
}

void confirm_wiping(Session& session, const std::vector<std::string>& paths) {
  for (const auto& path : paths) {
    auto* const device = session.store().find_device(path);
    CV_ASSERT(device != nullptr);
    for (const auto& signature : device::foreign_signatures(*device)) {
      session.require_confirmed(fmt::format("{} holds {}. Wipe it?", path, signature.type));
    }
  }
}

}  // namespace cv::tools::commands
