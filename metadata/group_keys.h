// The keys of groups, PVs and LVs in the order in which LVM2 writes them.
#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "metadata/volume_group.h"

namespace cv::metadata {

inline constexpr std::array<std::string_view, 20> kGroupKeys = {"id",
                                                                "seqno",
                                                                "format",
                                                                "status",
                                                                "flags",
                                                                "tags",
                                                                "system_id",
                                                                "lock_type",
                                                                "lock_args",
                                                                "extent_size",
                                                                "max_lv",
                                                                "max_pv",
                                                                "allocation_policy",
                                                                "profile",
                                                                "metadata_copies",
                                                                "supersedes",
                                                                "split_from",
                                                                "physical_volumes",
                                                                "logical_volumes",
                                                                "historical_logical_volumes"};

inline constexpr std::array<std::string_view, 12> kPhysicalKeys = {
    "id",   "device",   "device_id_type", "device_id", "status",   "flags",
    "tags", "dev_size", "pe_start",       "pe_count",  "ba_start", "ba_size"};

inline constexpr std::array<std::string_view, 13> kLogicalKeys = {"id",
                                                                  "status",
                                                                  "flags",
                                                                  "tags",
                                                                  "creation_time",
                                                                  "creation_host",
                                                                  "lock_args",
                                                                  "allocation_policy",
                                                                  "profile",
                                                                  "read_ahead",
                                                                  "major",
                                                                  "minor",
                                                                  "segment_count"};

inline constexpr std::string_view kContents = "Text Format Volume Group";
inline constexpr std::int64_t kFormatVersion = 1;

inline constexpr std::array<std::pair<std::string_view, Allocation>, 6> kAllocations = {{
    {"normal", Allocation::normal},
    {"contiguous", Allocation::contiguous},
    {"cling", Allocation::cling},
    {"cling_by_tags", Allocation::cling_by_tags},
    {"anywhere", Allocation::anywhere},
    {"inherit", Allocation::inherit},
}};

}  // namespace cv::metadata
