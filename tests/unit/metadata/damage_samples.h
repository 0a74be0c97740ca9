// A sample of every kind of damage: what a group or a disk must look like for it to be found.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "metadata/damage.h"
#include "metadata/volume_group.h"
#include "tests/support/fixture_disk.h"

namespace cv::metadata {

using Change = std::function<void(VolumeGroup&)>;
using Find = std::function<std::set<std::string>()>;

std::set<std::string> ids_of(const std::vector<Damage>& findings);

/// Two plain volumes and two encrypted ones on one store.
VolumeGroup sound_group();
VolumeGroup group_with_two_copies();
/// By id: what does it to sound_group().
const std::map<std::string, Change>& damage_of_values();

/// The ids of all that is found on disks.
std::set<std::string> found_on(const std::vector<test::Disk>& disks);
/// "vg0" on so many disks.
std::vector<test::Disk> sound_disks(unsigned count);
/// With a keystore of two copies, its bytes in place.
std::vector<test::Disk> sound_disks_with_store();
/// By id: the ids that are found on disks with that damage.
const std::map<std::string, Find>& damage_of_disks();

}  // namespace cv::metadata
