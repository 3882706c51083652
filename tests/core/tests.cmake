unit_tests(core
  base64_test.cpp crypto_test.cpp error_test.cpp find_byte_test.cpp hybrid_key_test.cpp private_file_test.cpp
  program_test.cpp public_key_test.cpp rsa_token_test.cpp secret_test.cpp text_test.cpp timer_wheel_test.cpp
  utc_time_test.cpp)
