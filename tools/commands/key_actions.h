// What cvkey can do, one function each.
#pragma once

#include "tools/session.h"
#include "tools/volume_name.h"

namespace cv::tools::commands {

inline constexpr Option kKeySlot{0, "key-slot", "N", "the key slot that is meant"};
inline constexpr Option kSlotName{'n', "name", "NAME", "what to call the new key slot"};
inline constexpr Option kFile{0, "file", "FILE", "the backup"};
inline constexpr Option kTimeout{0, "timeout", "SECONDS", "how long the key waits; 150 if not given"};

// key_slots.cpp
void list_slots(Session& session, const Arguments& arguments, const FullVolumeName& store);
void add_slot(Session& session, const Arguments& arguments, const FullVolumeName& store);
void change_slot(Session& session, const Arguments& arguments, const FullVolumeName& store);
void remove_slot(Session& session, const Arguments& arguments, const FullVolumeName& store);
void convert_store(Session& session, const Arguments& arguments, const FullVolumeName& store);
void test_secret(Session& session, const Arguments& arguments, const FullVolumeName& store);

// key_material.cpp
void back_up_store(Session& session, const Arguments& arguments, const FullVolumeName& store);
void restore_store(Session& session, const Arguments& arguments, const FullVolumeName& store);
void erase_store(Session& session, const Arguments& arguments, const FullVolumeName& store);
void load_key(Session& session, const Arguments& arguments, const FullVolumeName& store);
void forget_key(Session& session, const Arguments& arguments, const FullVolumeName& store);

}  // namespace cv::tools::commands
