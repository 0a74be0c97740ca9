// The keys of each kind of segment in the order in which they are printed.
#pragma once

#include <array>
#include <string_view>

namespace cv::metadata {

/// Every kind has these; the lists of the others begin with them.
inline constexpr std::array<std::string_view, 4> kOpaqueKeys = {"start_extent", "extent_count", "type",
                                                                "tags"};

inline constexpr std::array<std::string_view, 7> kStripedKeys = {
    "start_extent", "extent_count", "type", "tags", "stripe_count", "stripe_size", "stripes"};
inline constexpr std::array<std::string_view, 13> kCryptKeys = {
    "start_extent",   "extent_count", "type",     "tags",       "crypto_store", "iv_offset", "iv_high",
    "payload_offset", "old_header",   "discards", "workqueues", "areas",        "stripes"};
inline constexpr std::array<std::string_view, 17> kKeystoreKeys = {
    "start_extent", "extent_count", "type",        "tags",    "handler",    "cipher",
    "key_size",     "key_hash",     "sector_size", "iv_next", "generation", "key_check",
    "copies",       "slot_names",   "erasing",     "areas",   "stripes"};

}  // namespace cv::metadata
