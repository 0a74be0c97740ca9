#include "lib/crypt/digest.h"

#include <gtest/gtest.h>

#include "lib/base/bytes.h"

namespace cv::crypt {
namespace {

// FIPS 180-2, appendix B.1.
TEST(Digest, IsSha256AsPublished) {
  EXPECT_EQ(to_hex(sha256(bytes_of("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Digest, KnowsHashesByNameAndNoneForAnUnknownName) {
  const auto known = digest("sha1", bytes_of("abc"));

  ASSERT_TRUE(known);
  EXPECT_EQ(to_hex(*known), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_FALSE(digest("sha77", bytes_of("abc")));
  EXPECT_FALSE(digest("", bytes_of("abc")));
}

// RFC 7914, section 11.
TEST(Digest, IsPbkdf2AsPublished) {
  EXPECT_EQ(to_hex(pbkdf2_sha256(bytes_of("passwd"), bytes_of("salt"), 1).bytes()),
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
  EXPECT_EQ(to_hex(pbkdf2_sha256(bytes_of("Password"), bytes_of("NaCl"), 80000).bytes()),
            "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56");
}

}  // namespace
}  // namespace cv::crypt
