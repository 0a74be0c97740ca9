// Every command of the program, one file each.
#pragma once

#include <span>
#include <string_view>

#include "tools/command.h"

namespace cv::tools {

namespace commands {
Command cvchange();
Command cvck();
Command cvconvert();
Command cvcreate();
Command cvextend();
Command cvkey();
Command cvreduce();
Command cvremove();
Command cvrename();
Command cvresize();
Command cvs();
Command explain();
Command help();
Command pvchange();
Command pvcreate();
Command pvremove();
Command pvresize();
Command pvs();
Command version();
Command vgchange();
Command vgcreate();
Command vgexport();
Command vgextend();
Command vgimport();
Command vgmerge();
Command vgmknodes();
Command vgreduce();
Command vgremove();
Command vgrename();
Command vgs();
Command vgsplit();
}  // namespace commands

/// In the order in which help shows them.
std::span<const Command> all_commands();
/// Null where there is none.
const Command* find_command(std::string_view name);
/// Throws Errc::usage.
const Command& command_named(std::string_view name);

}  // namespace cv::tools
