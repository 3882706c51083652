unit_tests(logging sealed_log_test.cpp)
