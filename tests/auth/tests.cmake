unit_tests(auth authenticator_test.cpp bucket_test.cpp limiter_test.cpp policy_test.cpp token_file_test.cpp
  token_text_test.cpp)
