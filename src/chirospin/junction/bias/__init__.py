"""Between leads of finite bias and temperature."""
