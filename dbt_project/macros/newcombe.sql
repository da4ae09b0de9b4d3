{#- The 95 % interval for the difference of two independent shares, later minus earlier:
    method 10 of R. G. Newcombe, Statistics in Medicine 17 (1998) 873-890, built from
    the Wilson score limits of each share, without continuity correction. It always lies
    within -1 to 1, and has a width even if a share is 0 or 1. Null without a
    denominator. -#}

{#- Wilson limit of the share count / size; sign + is the upper limit, - the lower. -#}
{% macro wilson_limit(count, size, sign) -%}
    (
        (
            2 * {{ count }} + 3.8414588206941254
            {{ sign }} 1.959963984540054 * sqrt(
                3.8414588206941254
                + 4.0 * {{ count }} * ({{ size }} - {{ count }}) / nullif({{ size }}, 0)
            )
        ) / (2 * ({{ size }} + 3.8414588206941254))
    )
{%- endmacro %}

{#- Low: sign -; high: sign +. -#}
{% macro newcombe_limit(later_count, later_size, earlier_count, earlier_size, sign) -%}
    {%- set other = '-' if sign == '+' else '+' -%}
    (
        {{ later_count }}::numeric / nullif({{ later_size }}, 0)
        - {{ earlier_count }}::numeric / nullif({{ earlier_size }}, 0)
        {{ sign }} sqrt(
            power(
                {{ later_count }}::numeric / nullif({{ later_size }}, 0)
                - {{ wilson_limit(later_count, later_size, sign) }},
                2
            )
            + power(
                {{ earlier_count }}::numeric / nullif({{ earlier_size }}, 0)
                - {{ wilson_limit(earlier_count, earlier_size, other) }},
                2
            )
        )
    )
{%- endmacro %}
