// What reports call a logical volume, where more than a look into the struct is needed.
#pragma once

#include <string>
#include <vector>

#include "tools/report/row.h"

namespace cv::tools::report {

/// What was seen of its device; unknown where nobody looked.
LvSeen seen_of(const metadata::LogicalVolume& lv, const GroupFacts& group);

/// The names of the stores of an encrypted volume, each once, in the order of its segments.
std::vector<std::string> stores_of(const metadata::LogicalVolume& lv);
/// The keystore that `lv` is, or the first that it uses; null where there is none.
const metadata::Keystore* store_of(const metadata::LogicalVolume& lv, const GroupFacts& group);

/// "linear", "striped", "crypt", "crypt-keystore", or LVM2's type.
std::string segment_type(const metadata::Segment& segment);
std::vector<metadata::Area> areas_of(const metadata::Segment& segment);
/// What is below, with the first extent there: "/dev/sda(3)".
std::vector<std::string> devices_of(const metadata::Segment& segment, const GroupFacts& group);
/// "/dev/sda:3-12 /dev/sdb:0-9"
std::string segment_ranges(const metadata::Segment& segment, const GroupFacts& group);
std::vector<std::string> layout_of(const metadata::LogicalVolume& lv, const GroupFacts& group);

/// LVM2's ten characters. The first and the seventh are 'x' for an encrypted volume, 'k' for a keystore, 'u'
/// for types that are not managed here; the first of a hidden data volume is 'd'.
std::string lv_attr(const metadata::LogicalVolume& lv, const GroupFacts& group);

/// Four characters: c encrypted or k keystore, d discards passed down, i inline work queues, o an old LUKS
/// header may still be in place. Empty for others.
std::string crypt_attr(const metadata::LogicalVolume& lv);

}  // namespace cv::tools::report
