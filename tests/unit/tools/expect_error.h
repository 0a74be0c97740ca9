// Expects an Error of one kind whose sentence and advice hold a word.
#pragma once

#include <string>

#include <gmock/gmock.h>

#include "lib/base/error.h"

namespace cv::test {

template <class Deed>
void expect_error(Errc code, const std::string& word, Deed&& deed) {
  try {
    deed();
  } catch (const Error& error) {
    EXPECT_EQ(error_id(error.code()), error_id(code)) << error.what();
    EXPECT_THAT(std::string(error.what()) + " | " + error.advice(), testing::HasSubstr(word));
    return;
  }
  ADD_FAILURE() << "no error, " << error_id(code) << " about '" << word << "' was expected";
}

}  // namespace cv::test
