{#-
    The probability that a standard normal is above |z|, 0 to 0.5; 0 from 37 on. Hart's rational form as West (2005) prints it,
    "Better approximations to cumulative normal functions": largest relative error 9e-9, in the far tail.
-#}
{% macro normal_tail(z) %}
    {%- set x = 'abs(' ~ z ~ ')' -%}
    {%- set top = ['0.0352624965998911', '0.700383064443688', '6.37396220353165', '33.912866078383', '112.079291497871', '221.213596169931', '220.206867912376'] -%}
    {%- set bottom = ['0.0883883476483184', '1.75566716318264', '16.064177579207', '86.7807322029461', '296.564248779674', '637.333633378831', '793.826512519948', '440.413735824752'] -%}
    {%- set far = '(' ~ x ~ ' + 1.0 / (' ~ x ~ ' + 2.0 / (' ~ x ~ ' + 3.0 / (' ~ x ~ ' + 4.0 / (' ~ x ~ ' + 0.65)))))' -%}
    {%- do return(
        'case when ' ~ x ~ ' >= 37.0 then 0.0'
        ~ ' when ' ~ x ~ ' < 7.07106781186547 then exp(-' ~ x ~ ' * ' ~ x ~ ' / 2.0) * ' ~ polynomial(x, top) ~ ' / ' ~ polynomial(x, bottom)
        ~ ' when ' ~ x ~ ' < 37.0 then exp(-' ~ x ~ ' * ' ~ x ~ ' / 2.0) / (' ~ far ~ ' * 2.506628274631) end'
    ) -%}
{% endmacro %}

{#- The probability that a standard normal is below z, 0 to 1. -#}
{% macro normal_cdf(z) %}
    {%- set tail = normal_tail(z) -%}
    {%- do return('case when ' ~ z ~ ' > 0 then 1.0 - (' ~ tail ~ ') else (' ~ tail ~ ') end') -%}
{% endmacro %}

{#- The probability of a standard normal at least as far from 0 as z: the two-sided p of a z. -#}
{% macro normal_two_sided_p(z) %}{{ return('(2.0 * ' ~ normal_tail(z) ~ ')') }}{% endmacro %}

{#-
    The z below which a standard normal stays with probability p, null outside 0 to 1 and at its ends. Wichura (1988), Applied
    Statistics 37, 477-484, algorithm AS 241 (PPND16): largest relative error 1e-15.
-#}
{% macro normal_quantile(p) %}
    {%- set near = '(0.180625 - (' ~ p ~ ' - 0.5) * (' ~ p ~ ' - 0.5))' -%}
    {%- set root = 'sqrt(-ln(least(' ~ p ~ ', 1.0 - ' ~ p ~ ')))' -%}
    {%- set a = ['2509.0809287301226727', '33430.575583588128105', '67265.770927008700853', '45921.953931549871457', '13731.693765509461125', '1971.5909503065514427', '133.14166789178437745', '3.387132872796366608'] -%}
    {%- set b = ['5226.495278852854561', '28729.085735721942674', '39307.89580009271061', '21213.794301586595867', '5394.1960214247511077', '687.1870074920579083', '42.313330701600911252', '1.0'] -%}
    {%- set c = ['0.000774545014278341407640', '0.0227238449892691845833', '0.241780725177450611770', '1.27045825245236838258', '3.64784832476320460504', '5.76949722146069140550', '4.63033784615654529590', '1.42343711074968357734'] -%}
    {%- set d = ['0.00000000105075007164441684324', '0.000547593808499534494600', '0.0151986665636164571966', '0.148103976427480074590', '0.689767334985100004550', '1.67638483018380384940', '2.05319162663775882187', '1.0'] -%}
    {%- set e = ['0.000000201033439929228813265', '0.0000271155556874348757815', '0.00124266094738807843860', '0.0265321895265761230930', '0.296560571828504891230', '1.78482653991729133580', '5.46378491116411436990', '6.65790464350110377720'] -%}
    {%- set f = ['0.00000000000000204426310338993978564', '0.000000142151175831644588870', '0.0000184631831751005468180', '0.000786869131145613259100', '0.0148753612908506148525', '0.136929880922735805310', '0.599832206555887937690', '1.0'] -%}
    {%- do return(
        'case when ' ~ p ~ ' <= 0.0 or ' ~ p ~ ' >= 1.0 then null'
        ~ ' when abs(' ~ p ~ ' - 0.5) <= 0.425 then (' ~ p ~ ' - 0.5) * ' ~ polynomial(near, a) ~ ' / ' ~ polynomial(near, b)
        ~ ' else sign(' ~ p ~ ' - 0.5) * case when ' ~ root ~ ' <= 5.0 then ' ~ polynomial('(' ~ root ~ ' - 1.6)', c) ~ ' / ' ~ polynomial('(' ~ root ~ ' - 1.6)', d)
        ~ ' else ' ~ polynomial('(' ~ root ~ ' - 5.0)', e) ~ ' / ' ~ polynomial('(' ~ root ~ ' - 5.0)', f) ~ ' end end'
    ) -%}
{% endmacro %}

{#- A polynomial by Horner's rule, the highest power first. Coefficients are doubles: as decimals their products would overflow. -#}
{% macro polynomial(x, coefficients) %}
    {%- set sum = namespace(sql='cast(' ~ coefficients[0] ~ ' as double)') -%}
    {%- for coefficient in coefficients[1:] -%}
        {%- set sum.sql = '(' ~ sum.sql ~ ' * ' ~ x ~ ' + cast(' ~ coefficient ~ ' as double))' -%}
    {%- endfor -%}
    {%- do return(sum.sql) -%}
{% endmacro %}
