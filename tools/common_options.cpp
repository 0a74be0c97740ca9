#include "tools/common_options.h"

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

}  // namespace cv::tools
