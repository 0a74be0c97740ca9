#include "tools/common_options.h"

#include "metadata/tags.h"
#include "tools/arguments.h"

namespace cv::tools {

OptionGroup options_of_every_command() {
  return {"Options of every command",
          {kHelp, kVersion, kVerbose, kQuiet, kYes, kTest, kDevices, kDevicesFile, kConfig, kNoLocking,
           kKeepFormat, kDriverLoaded, kReportFormat}};
}

OptionGroup options_of_every_change() {
  return {"Options of every change", {kAutoBackup}};
}

OptionGroup secret_options() {
  return {"Options for the secret",
          {kKeyFile, kKeyFileOffset, kKeyFileSize, kTries, kNoAskPassword, kNoCache}};
}

OptionGroup derivation_options() {
  return {"Options for the key derivation",
          {kPbkdf, kPbkdfMemory, kPbkdfParallel, kPbkdfForceIterations, kIterTime}};
}

std::vector<std::string> tags(const Arguments& arguments, const Option& option) {
  auto all = arguments.texts(option);
  for (std::string& tag : all) {
    if (tag.starts_with('@')) tag.erase(0, 1);
    metadata::require_tag(tag);
  }
  return all;
}

}  // namespace cv::tools
